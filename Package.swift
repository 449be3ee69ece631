// swift-tools-version: 6.2
import PackageDescription

/// One list of compiler settings for every target that we write in Swift: language mode 6 comes from
/// `swiftLanguageModes` below, the rest makes unsafe code visible, imports explicit and warnings final.
let strict: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // Exclusive access to what classes store is checked wherever tests run, and proven there: asking again at every access
  // was a quarter of the instructions of a delivered event.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// Tests reach into internals and talk to raw sockets; they keep everything but the memory-safety markers.
let tests: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

/// libFuzzer brings its own `main`, so its drivers are built only where asked for: `make fuzz`.
let fuzzers: [Target] =
  Context.environment["SLUICE_FUZZ"] == nil
  ? []
  : [
    ("fuzz-request-head", "RequestHead"), ("fuzz-sse", "SSE"), ("fuzz-proxy-header", "ProxyHeader"),
    ("fuzz-token", "Token"), ("fuzz-coalescing", "Coalescing"), ("fuzz-http2", "HTTP2"),
  ].map { name, folder in
    .executableTarget(
      name: name, dependencies: ["Admission", "Bytes", "COpenSSL", "Crypto", "HTTP2", "Streams", "Wire"],
      path: "Tests/Fuzz/\(folder)",
      swiftSettings: [.unsafeFlags(["-parse-as-library"])])
  }

let package = Package(
  name: "sluice",
  products: [
    .executable(name: "sluice", targets: ["sluice"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    // Layer 0: C libraries as they are, and bytes.
    .systemLibrary(
      name: "CLibevent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .target(name: "CSystem", cSettings: [.define("_GNU_SOURCE")]),
    .target(name: "Bytes", swiftSettings: strict),

    // Layer 1: the loop, and the syntax of the wire.
    .target(
      name: "Reactor", dependencies: ["Bytes", "CLibevent", "CSystem"], swiftSettings: strict),
    .target(name: "Wire", dependencies: ["Bytes"], swiftSettings: strict),
    .target(name: "Crypto", dependencies: ["COpenSSL", "Reactor"], swiftSettings: strict),
    .target(name: "HTTP2", dependencies: ["Bytes", "CNghttp2"], swiftSettings: strict),

    // What browsers load, compiled in.
    .target(name: "Browser", resources: [.embedInCode("Library")], swiftSettings: strict),

    // Layer 2: decisions as values.
    .target(name: "Streams", dependencies: ["Bytes", "Wire"], swiftSettings: strict),
    .target(name: "Admission", dependencies: ["Bytes", "Crypto", "Reactor", "Wire"], swiftSettings: strict),
    .target(
      name: "Settings",
      dependencies: ["Admission", "Crypto", "Wire", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),

    // Layer 3: the only place where they meet.
    .target(
      name: "Gateway",
      dependencies: [
        "Admission", "Browser", "Bytes", "Crypto", "HTTP2", "Reactor", "Settings", "Streams", "Wire",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    // Layer 4: what people start.
    .target(
      name: "Demo",
      dependencies: ["Bytes", "Gateway", "Reactor", "Settings", "Wire"],
      resources: [.embedInCode("Page")],
      swiftSettings: strict),
    .target(
      name: "Load",
      dependencies: [
        "Bytes", "Reactor", "Wire", .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "Demo", "Gateway", "Load", "Reactor", "Settings",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),

    .systemLibrary(name: "CEpoll", path: "Tests/CEpoll"),
    .executableTarget(
      name: "bench",
      dependencies: [
        "Bytes", "CEpoll", "Load", "Reactor", "Wire",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Bench", swiftSettings: strict),

    .target(name: "Support", dependencies: ["CNghttp2", "COpenSSL"], path: "Tests/Support", swiftSettings: tests),
    .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: tests),
    .testTarget(
      name: "ReactorTests", dependencies: ["Bytes", "Reactor", "Support"], swiftSettings: tests),
    .testTarget(
      name: "CryptoTests", dependencies: ["COpenSSL", "Crypto", "Reactor", "Support"], swiftSettings: tests),
    .testTarget(name: "HTTP2Tests", dependencies: ["Bytes", "HTTP2", "Support"], swiftSettings: tests),
    .testTarget(name: "WireTests", dependencies: ["Bytes", "Support", "Wire"], swiftSettings: tests),
    .testTarget(
      name: "StreamsTests", dependencies: ["Bytes", "Streams", "Support", "Wire"], swiftSettings: tests),
    .testTarget(
      name: "AdmissionTests",
      dependencies: ["Admission", "Bytes", "COpenSSL", "Crypto", "Reactor", "Support", "Wire"], swiftSettings: tests),
    .testTarget(
      name: "SettingsTests", dependencies: ["Admission", "Crypto", "Settings", "Support", "Wire"], swiftSettings: tests),
    .testTarget(
      name: "LoadTests", dependencies: ["Bytes", "Load", "Reactor", "Support", "Wire"], swiftSettings: tests),
    .testTarget(name: "DemoTests", dependencies: ["Demo"], swiftSettings: tests),
    .testTarget(
      name: "GatewayTests",
      dependencies: [
        "Admission", "Bytes", "COpenSSL", "Crypto", "Gateway", "HTTP2", "Reactor", "Settings", "Streams", "Support",
        "Wire",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: tests),
  ] + fuzzers,
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c17
)
