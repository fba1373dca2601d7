import Crypto
import Jobs
import Support

/// What a site is to its queue.
extension DashSite {
    /// The jobs that this program's workers can run: those of its background callbacks with code of their own.
    var jobDefinitions: [JobDefinition] {
        contents.mounts.flatMap { mount in
            mount.app.registry.callbacks
                .filter { $0.kind == .background && $0.background?.remote == nil }
                .map { callback in
                    let job = "\(mount.appName)/\(callback.name)"
                    return JobDefinition(
                        name: job,
                        taskName: callback.taskName(ofJob: job),
                        version: callback.version,
                        displayName: callback.isNamed ? nil : job,
                        retries: callback.background?.retries ?? .none
                    )
                }
        }
    }

    /// The callback that a job's name stands for: the app's name, a slash, the callback's name.
    func backgroundCallback(ofJob name: String) -> Callback? {
        for mount in contents.mounts {
            let app = mount.appName
            guard name.hasPrefix(app + "/") else { continue }
            if let callback = mount.app.registry.backgroundCallback(named: String(name.dropFirst(app.count + 1))) {
                return callback
            }
        }
        return nil
    }

    /// What keeps the site's jobs and its queue from working together.
    var queueFindings: [String] {
        let mounts = contents.mounts
        let foreign = mounts.filter { $0.app.jobs != nil }.compactMap { mount in
            jobs == nil
                ? "\(mount.app.location): The app was given jobs:, but it is part of a site: give them to DashSite(jobs:)."
                : nil
        }
        guard jobs == nil else { return foreign + sharedTaskNames }
        return foreign
            + mounts.flatMap { mount in
                mount.app.registry.callbacks.compactMap { callback in
                    callback.background?.remote.map { remote in
                        "\(callback.location): The task \(remote.name) is run by other workers, but the site has no queue to "
                            + "them: give it one, as DashSite(jobs: CeleryManager(…))."
                    }
                }
            }
    }

    /// Callbacks of several apps that other programs could not tell apart.
    private var sharedTaskNames: [String] {
        Dictionary(grouping: jobDefinitions, by: \.taskName).filter { $0.value.count > 1 }.keys.sorted().map { name in
            "Callbacks of two apps are named “\(name)”, and so would be their tasks on the queue: rename one of them."
        }
    }
}

extension DashSite.Mount {
    /// The app's own name, else that of the path.
    var appName: String { app.name ?? MountPath.name(of: path) }
}

extension Callback {
    /// The name of a job's task on the queue: the one the user gave, else one that stays while the callback's inputs and
    /// outputs do.
    fileprivate func taskName(ofJob job: String) -> String {
        if isNamed { return name }
        return "background_callback_" + Hexadecimal.text(SHA256.hash(data: Array(job.utf8)))
    }
}
