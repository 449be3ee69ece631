internal import CLibevent
internal import Glibc

/// Who is told of signals.
public protocol SignalOwner: AnyObject {
  /// A signal arrived, some time before this turn.
  func signalReceived(_ number: Int32)
}

/// Signals as events of a loop.
///
/// libevent's signal events.
///
/// - Thread: the loop's, which must be the process's main thread: all others block signals.
@safe
public final class SignalWatch {
  private final class Registration {
    let number: Int32
    weak var owner: (any SignalOwner)?
    init(_ number: Int32, _ owner: any SignalOwner) {
      self.number = number
      self.owner = owner
    }
  }

  private var events: [OpaquePointer] = unsafe []
  private var registrations: [Registration] = []

  /// Watches signals until `end`.
  public init(_ numbers: [Int32], on loop: Loop, for owner: any SignalOwner) {
    for number in numbers {
      let registration = Registration(number, owner)
      let event = unsafe event_new(
        loop.base, number, Int16(EV_SIGNAL | EV_PERSIST),
        { _, _, pointer in
          guard let pointer = unsafe pointer else { return }
          let registration = unsafe Unmanaged<Registration>.fromOpaque(pointer).takeUnretainedValue()
          registration.owner?.signalReceived(registration.number)
        }, Unmanaged.passUnretained(registration).toOpaque())
      guard let event = unsafe event else { continue }
      unsafe event_add(event, nil)
      unsafe events.append(event)
      registrations.append(registration)
    }
  }

  /// Gives the signals their default meaning back.
  public func end() {
    unsafe events.forEach { unsafe event_free($0) }
    unsafe events = []
  }

  /// Lets signals wait, in this thread and those that it starts, until `release`.
  ///
  /// Before the process is ready for them, and after it has done what they ask, their default would kill it.
  public static func hold(_ numbers: [Int32]) {
    change(numbers, SIG_BLOCK)
  }

  /// Delivers signals again, those that waited included.
  public static func release(_ numbers: [Int32]) {
    change(numbers, SIG_UNBLOCK)
  }

  private static func change(_ numbers: [Int32], _ how: Int32) {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    for number in numbers { unsafe sigaddset(&set, number) }
    unsafe pthread_sigmask(how, &set, nil)
  }

  /// Lets a write to a closed pipe or socket fail with EPIPE instead of ending the process.
  public static func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
    // A file that may not grow is a failed write, not an end.
    _ = signal(SIGXFSZ, SIG_IGN)
  }
}
