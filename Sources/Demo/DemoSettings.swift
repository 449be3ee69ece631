internal import Admission
public import Settings

/// What the demo runs with: the gateway on loopback, the demo orchestrator behind it, everything else at its default.
public enum DemoSettings {
  /// The settings for a demo.
  ///
  /// - Parameters:
  ///   - port: where the gateway listens on 127.0.0.1.
  ///   - orchestratorPort: where the demo orchestrator listens on 127.0.0.1.
  ///   - log: level and format.
  /// - Returns: settings as a file would give them.
  public static func make(port: UInt16, orchestratorPort: UInt16, log: LogSettings) -> Settings {
    let path = "/process/stream"
    // The pages reach the gateway by both of the machine's names, to show what a browser does to each.
    let names = ["localhost", "127.0.0.1"].compactMap { try? OriginPattern("http://\($0):\(port)") }
    let cors = try? CORSPolicy(
      origins: names, credentials: false, allowedHeaders: [], exposedHeaders: [], maxAge: .seconds(600))
    return Settings(
      listen: [.ipv4(host: "127.0.0.1", port: port)],
      upstreams: ["demo": .default(endpoints: [EndpointAddress(host: "127.0.0.1", port: orchestratorPort)])],
      routes: [
        RouteSettings(
          host: nil, path: .exact(path),
          action: .run(
            RunSettings(
              upstream: "demo", method: RunSettings.defaultMethod, path: path,
              answerAfter: RunSettings.defaultAnswerAfter)),
          cors: cors)
      ],
      cors: cors,
      drain: DrainSettings(deadline: .seconds(2)), log: log)
  }
}
