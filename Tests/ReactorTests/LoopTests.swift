import Bytes
import Glibc
import Reactor
import Testing

/// Runs a loop on the test's thread until told, or fails after a deadline.
private final class Driver: TimerOwner, MailboxOwner {
  let loop: Loop
  var fired: [UInt8] = []
  var messages: [Int] = []
  var stopsAt = Int.max

  init() throws { loop = try Loop() }

  func timerFired(_ tag: UInt8) {
    fired.append(tag)
    if tag == 0 || fired.count == stopsAt { loop.stop() }
  }

  func received(_ messages: [Int]) {
    self.messages += messages
    if self.messages.count == stopsAt { loop.stop() }
  }
}

@Suite struct LoopTests {
  @Test func `timers fire in order, cancelled ones do not`() throws {
    let driver = try Driver()
    driver.stopsAt = 2
    _ = driver.loop.setTimer(after: .milliseconds(20), for: driver, tag: 2)
    var cancelled: TimerID? = driver.loop.setTimer(after: .milliseconds(5), for: driver, tag: 9)
    _ = driver.loop.setTimer(after: .milliseconds(1), for: driver, tag: 1)
    driver.loop.cancelTimer(&cancelled)
    #expect(cancelled == nil)
    driver.loop.run()
    #expect(driver.fired == [1, 2])
  }

  @Test func `a loop that was stopped runs again`() throws {
    let driver = try Driver()
    for _ in 0..<3 {
      _ = driver.loop.setTimer(after: .milliseconds(1), for: driver, tag: 0)
      driver.loop.run()
    }
    #expect(driver.fired == [0, 0, 0])
  }

  @Test func `messages from other threads arrive whole and in each sender's order`() throws {
    let driver = try Driver()
    let mailbox = try Mailbox<Int>()
    let senders = 4
    let each = 5000
    driver.stopsAt = senders * each
    let open = mailbox.open(on: driver.loop, for: driver)
    var threads: [Reactor.Thread] = []
    for sender in 0..<senders {
      threads.append(
        try Reactor.Thread("sender") { for number in 0..<each { mailbox.post(sender * each + number) } })
    }
    driver.loop.run()
    for thread in threads { thread.join() }
    open.close()
    for sender in 0..<senders {
      let own = driver.messages.filter { $0 / each == sender }
      #expect(own == Array(sender * each..<(sender + 1) * each))
    }
    mailbox.post(7)
    #expect(driver.messages.count == senders * each, "a closed mailbox delivers nothing")
  }

  @Test func `a locked value wakes who waits for it`() throws {
    let value = Locked(0)
    let thread = try Reactor.Thread("changer") { for _ in 0..<100 { value.change { $0 += 1 } } }
    #expect(value.wait { $0 == 100 ? $0 : nil } == 100)
    thread.join()
  }
}
