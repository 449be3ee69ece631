internal import CLibevent
internal import Glibc

/// What a loop tells its owner once a turn.
public protocol LoopOwner: AnyObject {
  /// Every event of this turn was delivered: the moment to write what they caused.
  func turnEnded()
}

/// One libevent base and the thread that runs it: readiness, time, and what was put off to the turn's end.
///
/// A turn is one `event_base_loop(EVLOOP_ONCE)`: wait, deliver every event. After it come, in this order: due
/// timers, the owner's `turnEnded`, the graveyard. The base has no locks: nothing of a loop may be touched from
/// another thread but through a `Mailbox`.
/// - Thread: the one that calls `run`; until then the one that made it.
@safe
public final class Loop {
  let base: OpaquePointer
  private var wheel: TimingWheel
  private var wheelEvent: OpaquePointer?
  private var armedFor: Instant?
  private var graveyard: [AnyObject] = []
  private var turnTime: Instant?
  private var isStopping = false
  private var isImpatient = false
  private var isRunning = false
  /// Received bytes pass through here, so a connection that is idle owns no buffer.
  let readBuffer: UnsafeMutableRawBufferPointer
  /// What one record of a layer is gathered in, likewise.
  let recordBuffer: UnsafeMutableRawBufferPointer
  /// The vector of the write under way, likewise shared by all sockets of the loop.
  public let output = OutputVector()
  /// Who is told of the end of each turn; kept alive until it takes itself out.
  ///
  /// Not weak, here and elsewhere: one weak reference makes every later reference count of its object slower.
  public var owner: (any LoopOwner)?

  /// The most that one read takes: a busy socket's share of a turn.
  public static let readBytes = 64 * 1024

  /// A loop with nothing to do.
  ///
  /// event_base_new_with_config(3).
  ///
  /// - Throws: `SystemError` where the kernel gives no epoll descriptor; the process can't serve then.
  public init() throws(SystemError) {
    guard let configuration = unsafe event_config_new() else { throw SystemError("event_config_new") }
    defer { unsafe event_config_free(configuration) }
    unsafe event_config_set_flag(configuration, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
    guard let base = unsafe event_base_new_with_config(configuration) else {
      throw SystemError("event_base_new_with_config")
    }
    unsafe self.base = base
    wheel = TimingWheel(startingAt: .now)
    unsafe readBuffer = .allocate(byteCount: Self.readBytes, alignment: 64)
    unsafe recordBuffer = .allocate(byteCount: SocketLayerBounds.recordBytes, alignment: 64)
    // The event only ends the wait; the wheel is read after every turn in any case.
    unsafe wheelEvent = event_new(base, -1, 0, { _, _, _ in }, nil)
    guard unsafe wheelEvent != nil else { throw SystemError("event_new") }
  }

  deinit {
    unsafe event_free(wheelEvent)
    unsafe event_base_free(base)
    unsafe readBuffer.deallocate()
    unsafe recordBuffer.deallocate()
  }

  /// The time of this turn: the clock is read when first asked for in a turn.
  public var now: Instant {
    if let turnTime { return turnTime }
    let time = Instant.now
    turnTime = time
    return time
  }

  /// Runs turns until `stop`.
  public func run() {
    isRunning = true
    defer { isRunning = false }
    while !isStopping {
      armWheel()
      let result = unsafe event_base_loop(base, Int32(isImpatient ? EVLOOP_NONBLOCK : EVLOOP_ONCE))
      isImpatient = false
      precondition(result >= 0, "event_base_loop fails only on a broken base")
      // The wait was long ago or the events took long: timers are judged by the clock as it is now.
      turnTime = nil
      while let due = wheel.takeDue(at: now) { due.owner.timerFired(due.tag) }
      owner?.turnEnded()
      graveyard.removeAll(keepingCapacity: graveyard.capacity <= 4096)
      turnTime = nil
    }
    isStopping = false
  }

  /// Lets the next turn begin without a wait: something of this one is left to do.
  public func hurry() {
    isImpatient = true
  }

  /// Lets `run` return after this turn.
  public func stop() {
    isStopping = true
    unsafe event_base_loopbreak(base)
  }

  /// Sets a timer.
  ///
  /// The owner is kept alive until it fires or is cancelled.
  public func setTimer(after delay: Duration, for owner: any TimerOwner, tag: UInt8 = 0) -> TimerID {
    wheel.set(at: now + delay, for: owner, tag: tag)
  }

  /// Sets a timer at a moment.
  ///
  /// The owner is kept alive until it fires or is cancelled.
  public func setTimer(at moment: Instant, for owner: any TimerOwner, tag: UInt8 = 0) -> TimerID {
    wheel.set(at: moment, for: owner, tag: tag)
  }

  /// Cancels a timer and forgets its ID; `nil` is fine.
  public func cancelTimer(_ timer: inout TimerID?) {
    if let timer { wheel.cancel(timer) }
    timer = nil
  }

  /// Keeps an object that ended in a callback until the turn is over.
  ///
  /// libevent may still report it in this turn, and the callers on the stack still use it.
  public func bury(_ object: AnyObject) {
    // Before the first turn and after the last nobody reports it.
    if isRunning { graveyard.append(object) }
  }

  private func armWheel() {
    let moment = wheel.nextMoment()
    guard moment != armedFor else {
      // An armed event that has fired does not fire again by itself.
      if moment == nil || (unsafe event_pending(wheelEvent, Int16(EV_TIMEOUT), nil)) != 0 { return }
      return arm(moment)
    }
    arm(moment)
  }

  private func arm(_ moment: Instant?) {
    armedFor = moment
    guard let moment else {
      unsafe event_del(wheelEvent)
      return
    }
    let wait = (moment - Instant.now).wholeNanoseconds
    var interval = timeval(tv_sec: Int(wait / 1_000_000_000), tv_usec: Int(wait % 1_000_000_000 / 1_000))
    unsafe event_add(wheelEvent, &interval)
  }
}

/// A loop belongs to one thread.
@available(*, unavailable)
extension Loop: Sendable {}
