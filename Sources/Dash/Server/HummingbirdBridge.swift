import Hummingbird
import NIOCore
import Support

/// The context of a request in our own server: what Hummingbird needs, and the connection it came on.
struct SiteRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Hands every request to the site; there is no router in between.
struct SiteHTTPResponder: HTTPResponder {
    let site: SiteResponder
    let watches: ConnectionWatches

    func respond(to request: Request, context: SiteRequestContext) async throws -> Response {
        // Back on the connection's own loop after whatever ran elsewhere.
        await withTaskExecutorPreference(LoopExecutor(home: context.channel.eventLoop)) {
            await site.respond(to: request, context: context, connection: watches.watch(of: context.channel))
        }
    }
}
