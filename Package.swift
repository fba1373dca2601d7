// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "dash-swift",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Dash", targets: ["Dash"]),
        .library(name: "DashAGGrid", targets: ["DashAGGrid"]),
        .library(name: "DashTesting", targets: ["DashTesting"]),
        .library(name: "Plotly", targets: ["Plotly"]),
        .library(name: "Jobs", targets: ["Jobs"]),
        .library(name: "JobsSQLite", targets: ["JobsSQLite"]),
        .library(name: "JobsCelery", targets: ["JobsCelery"]),
        .library(name: "JobsRabbitMQ", targets: ["JobsRabbitMQ"]),
        .executable(name: "dash-swift", targets: ["DashCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .target(name: "CDashSpawn"),
        .target(name: "DashJSON", swiftSettings: settings),
        .target(name: "Support", dependencies: ["CDashSpawn", nioCore, nioPosix], swiftSettings: settings),
        .target(name: "Plotly", dependencies: ["DashJSON"], swiftSettings: settings),
        .target(
            name: "Jobs",
            dependencies: [
                "DashJSON", "Support", "CDashSpawn", nioCore, nioPosix, heap, deque, crypto, logging, lifecycle,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "JobsSQLite",
            dependencies: ["DashJSON", "Support", "Jobs", grdb, logging, lifecycle],
            swiftSettings: settings
        ),
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CeleryProtocol", dependencies: ["DashJSON", "Support", "CZlib"], swiftSettings: settings),
        .target(
            name: "RedisClient",
            dependencies: ["CeleryProtocol", "Support", nioCore, nioPosix, nioSSL, crypto, logging, lifecycle],
            swiftSettings: settings
        ),
        .target(
            name: "JobsCelery",
            dependencies: [
                "DashJSON", "Support", "Jobs", "CeleryProtocol", "RedisClient", nioCore, nioPosix, logging, lifecycle,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "JobsRabbitMQ",
            dependencies: [
                "DashJSON", "Support", "Jobs", "CeleryProtocol", "RedisClient", "JobsCelery", "CRabbitMQ", nioCore,
                logging, lifecycle,
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Dash",
            dependencies: [
                "DashJSON", "Support", "Plotly", "Jobs", "JobsSQLite", "CDashSpawn",
                hummingbird, httpTypes, nioCore, nioPosix, argumentParser, crypto, logging, lifecycle, signals,
            ],
            resources: [
                .embedInCode("Client/dash-swift.js"), .embedInCode("Client/dash-swift-dev.js"),
                .embedInCode("Client/pages.js"),
            ],
            swiftSettings: settings
        ),
        .target(name: "DashAGGrid", dependencies: ["Dash"], swiftSettings: settings),
        .target(name: "DashTesting", dependencies: ["Dash", "DashJSON", "Jobs", "Support"], swiftSettings: settings),
        .executableTarget(
            name: "DashCLI",
            dependencies: ["Dash", "Jobs", "DashJSON", "Support", argumentParser, signals],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "gallery",
            dependencies: ["Dash", "DashAGGrid", "JobsCelery", "JobsRabbitMQ", argumentParser],
            path: "Examples/gallery",
            exclude: ["Queue/tasks.py"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "progress-page",
            dependencies: ["Dash"],
            path: "Examples/progress",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "fault-app",
            dependencies: ["Dash", "JobsCelery", "JobsRabbitMQ"],
            path: "Tests/Fixtures/FaultApp",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "pool-fixture",
            dependencies: ["Jobs", "DashJSON", logging],
            path: "Tests/Fixtures/PoolFixture",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "celery-fixture",
            dependencies: [
                "JobsCelery", "JobsRabbitMQ", "Jobs", "DashJSON", argumentParser, logging, lifecycle, nioCore, nioPosix,
            ],
            path: "Tests/Fixtures/CeleryFixture",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "queue-client",
            dependencies: ["JobsCelery", "JobsRabbitMQ", "Jobs", "DashJSON", logging, lifecycle],
            path: "Benchmarks/QueueClient",
            swiftSettings: settings
        ),
        .executableTarget(
            name: "large-app",
            dependencies: ["Dash"],
            path: "Benchmarks/LargeApp",
            swiftSettings: settings
        ),
        .target(
            name: "JobsConformance",
            dependencies: ["Jobs", "DashJSON", lifecycle, logging],
            path: "Tests/JobsConformance",
            swiftSettings: settings
        ),
        .testTarget(name: "SupportTests", dependencies: ["Support", nioCore, nioPosix], swiftSettings: settings),
        .testTarget(name: "DashJSONTests", dependencies: ["DashJSON"], swiftSettings: settings),
        .testTarget(name: "PlotlyTests", dependencies: ["Plotly", "DashJSON"], swiftSettings: settings),
        .testTarget(
            name: "JobsTests",
            dependencies: ["Jobs", "JobsConformance", "DashJSON", "pool-fixture", heap, logging, lifecycle],
            swiftSettings: settings
        ),
        .testTarget(
            name: "JobsSQLiteTests",
            dependencies: [
                "JobsSQLite", "Jobs", "JobsConformance", "DashJSON", "pool-fixture", grdb, logging, lifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "JobsCeleryTests",
            dependencies: [
                "JobsCelery", "JobsRabbitMQ", "CeleryProtocol", "RedisClient", "Jobs", "JobsConformance", "DashJSON",
                "Support", "celery-fixture", nioCore, nioPosix, nioSSL, logging, lifecycle,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DashTests",
            dependencies: [
                "Dash", "DashAGGrid", "DashTesting", "Jobs", "JobsConformance", "DashJSON", hummingbird,
                hummingbirdTesting, httpTypes, nioCore, logging, argumentParser,
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DashTestingTests",
            dependencies: ["DashTesting", "Dash", "DashJSON"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DashCLITests",
            dependencies: ["DashCLI", "Dash", "DashJSON", argumentParser],
            swiftSettings: settings
        ),
    ]
)
