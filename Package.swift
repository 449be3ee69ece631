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
]

/// Tests reach into internals and talk to raw sockets; they keep everything but the memory-safety markers.
let tests: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

let package = Package(
  name: "sluice",
  targets: [
    .target(name: "Bytes", swiftSettings: strict),

    .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: tests),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .c17
)
