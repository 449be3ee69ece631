internal import Glibc
public import Logging
public import Reactor
public import Settings

/// The gateway as a process: signals, systemd, reload, and the end.
///
/// - Thread: the process's main thread, which runs this control loop and nothing else.
public final class Service: SignalOwner, MailboxOwner {
  /// What reaches the control loop.
  public enum Message: Sendable {
    /// The gateway's last connection is gone.
    case drained
  }

  private static let signals = [SIGTERM, SIGINT, SIGHUP]
  private let loop: Loop
  private let mailbox: Mailbox<Message>
  private let gateway: Gateway
  private let logger: Logger
  private let notifier: ServiceNotifier
  private let file: String?
  private var settings: Settings
  private var isDraining = false

  /// Starts the gateway; `run` serves until it ends.
  ///
  /// - Parameters:
  ///   - settings: checked settings.
  ///   - file: where they came from and are read again on SIGHUP; `nil` where there is no file.
  ///   - assets: files that the gateway itself serves.
  ///   - logger: where events go.
  ///   - notifySocket: the value of `NOTIFY_SOCKET`.
  /// - Throws: `StartError`; nothing is left open then.
  public init(
    _ settings: Settings, file: String?, assets: [Asset] = [], logger: Logger, notifySocket: String?
  ) throws(StartError) {
    self.settings = settings
    self.file = file
    self.logger = logger
    notifier = ServiceNotifier(notifySocket)
    do throws(SystemError) {
      loop = try Loop()
      mailbox = try Mailbox()
    } catch {
      throw .system(error)
    }
    SignalWatch.ignoreBrokenPipes()
    SignalWatch.hold(Self.signals)
    let descriptors = ProcessLimits.raiseDescriptors()
    let mailbox = self.mailbox
    gateway = try Gateway(settings, assets: assets, logger: logger) { mailbox.post(.drained) }
    logger.info("started", metadata: ["descriptors": "\(descriptors)"])
    warnOfMemory()
  }

  /// Where the gateway listens.
  public var addresses: [SocketAddress] { gateway.addresses }

  /// Serves until SIGTERM or SIGINT, and then until the runs under way have ended.
  public func run() {
    let signals = SignalWatch(Self.signals, on: loop, for: self)
    SignalWatch.release(Self.signals)
    let open = mailbox.open(on: loop, for: self)
    notifier.notify("READY=1")
    loop.run()
    SignalWatch.hold(Self.signals)
    signals.end()
    open.close()
    logger.info("stopped")
  }

  /// The gateway is done.
  public func received(_ messages: [Message]) {
    loop.stop()
  }

  /// SIGTERM and SIGINT drain, a second one does not wait; SIGHUP reloads.
  public func signalReceived(_ number: Int32) {
    guard number != SIGHUP else { return reload() }
    let time = isDraining ? Duration.zero : settings.drain.deadline
    if !isDraining { notifier.notify("STOPPING=1") }
    isDraining = true
    logger.info("draining", metadata: ["deadline_ms": "\(time.wholeMilliseconds)"])
    gateway.drain(within: time)
  }

  /// Tells where the settings allow more than memory does.
  private func warnOfMemory() {
    var surroundings = Surroundings.unknown
    surroundings.memoryBytes = ProcessLimits.memoryBytes()
    for warning in settings.memoryWarnings(in: surroundings) {
      logger.warning("settings_risky", metadata: ["key": "\(warning.key)", "detail": "\(warning.text)"])
    }
  }

  /// Takes the file again: whole, or not at all.
  private func reload() {
    guard let file, !isDraining else { return }
    notifier.notify("RELOADING=1\nMONOTONIC_USEC=\(Instant.now.nanoseconds / 1000)")
    defer { notifier.notify("READY=1") }
    do throws(SettingsError) {
      let new = try Settings.load(file: file)
      let isSameDoors = new.listen.count == settings.listen.count
      guard isSameDoors, zip(settings.listen, new.listen).allSatisfy({ $0.canBecome($1) }), new.log == settings.log,
        new.workers == settings.workers
      else {
        logger.error(
          "reload_refused",
          metadata: [
            "file": "\(file)",
            "detail": "workers, log and where listen listens, plain or by TLS, can't change without a restart",
          ])
        return
      }
      do throws(StartError) {
        try gateway.reload(new)
      } catch {
        return logger.error("reload_refused", metadata: ["file": "\(file)", "detail": "\(error)"])
      }
      settings = new
      logger.info("reloaded", metadata: ["file": "\(file)"])
      warnOfMemory()
    } catch {
      for problem in error.problems {
        logger.error("reload_refused", metadata: ["problem": "\(problem)"])
      }
    }
  }
}
