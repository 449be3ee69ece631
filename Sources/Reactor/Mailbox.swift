internal import CSystem
internal import Glibc

/// Who reads a mailbox.
public protocol MailboxOwner<Message>: AnyObject {
  /// What the mailbox carries.
  associatedtype Message: Sendable
  /// Everything that arrived since the last time, in order.
  func received(_ messages: [Message])
}

/// The way into a loop from other threads: the only one.
///
/// A wake-up costs a system call only where the box was empty; the reader takes everything at once.
/// - Thread: `post` from any thread; everything else on the loop's.
/// - Bound: none of its own; senders send what is bounded elsewhere, never one message an event.
public final class Mailbox<Message: Sendable>: Sendable {
  private struct Contents {
    var messages: [Message] = []
    var isOpen = true
  }

  private let contents = Locked(Contents())
  private let wake: Int32

  /// An empty mailbox.
  ///
  /// eventfd(2).
  ///
  /// - Throws: `SystemError` where no descriptor is to be had; the loop can't be started then.
  public init() throws(SystemError) {
    wake = csystem_eventfd()
    guard wake >= 0 else { throw SystemError("eventfd") }
  }

  deinit {
    Glibc.close(wake)
  }

  /// Leaves a message.
  ///
  /// After the reader has gone it is dropped.
  public func post(_ message: Message) {
    let wasEmpty = contents.withLock { contents in
      guard contents.isOpen else { return false }
      contents.messages.append(message)
      return contents.messages.count == 1
    }
    guard wasEmpty else { return }
    var one: UInt64 = 1
    unsafe _ = Glibc.write(wake, &one, 8)
  }

  fileprivate func take() -> [Message] {
    var count: UInt64 = 0
    unsafe _ = Glibc.read(wake, &count, 8)
    return contents.withLock { contents in
      defer { contents.messages = [] }
      return contents.messages
    }
  }

  fileprivate func closeForGood() {
    contents.withLock { contents in
      contents.isOpen = false
      contents.messages = []
    }
  }

  /// Begins to deliver on a loop.
  ///
  /// The owner is kept alive until the open mailbox is closed.
  public func open(on loop: Loop, for owner: some MailboxOwner<Message>) -> OpenMailbox<Message> {
    OpenMailbox(self, descriptor: wake, on: loop) { owner.received($0) }
  }
}

/// A mailbox that delivers on a loop until it is closed.
public final class OpenMailbox<Message: Sendable>: WatchOwner {
  private let mailbox: Mailbox<Message>
  private var deliver: (([Message]) -> Void)?
  private let loop: Loop
  private var watch: Watch?

  fileprivate init(
    _ mailbox: Mailbox<Message>, descriptor: Int32, on loop: Loop, deliver: @escaping ([Message]) -> Void
  ) {
    self.mailbox = mailbox
    self.deliver = deliver
    self.loop = loop
    let watch = Watch(descriptor, on: loop, for: self)
    self.watch = watch
    watch.watchReads()
  }

  /// Ends the delivery; what is posted from now on is dropped.
  public func close() {
    mailbox.closeForGood()
    guard let watch else { return }
    watch.end()
    loop.bury(watch)
    self.watch = nil
    deliver = nil
  }

  func watchedReadable() {
    let messages = mailbox.take()
    if !messages.isEmpty { deliver?(messages) }
  }

  func watchedWritable() {}
}
