import CEpoll
import Reactor

/// epoll(7) with nothing around it.
@safe
struct Epoll {
  private let descriptor: Int32
  private var events = unsafe [epoll_event](repeating: epoll_event(), count: 512)

  init() throws(SystemError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw SystemError("epoll_create1") }
  }

  /// Watches for reads, and for room to write where asked for.
  func watch(_ watched: Int32, isNew: Bool = true, forRoom: Bool = false) {
    var event = unsafe epoll_event()
    unsafe event.events = EPOLLIN.rawValue | (forRoom ? EPOLLOUT.rawValue : 0)
    unsafe event.data.fd = watched
    unsafe _ = epoll_ctl(descriptor, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, watched, &event)
  }

  /// Waits without end and tells of each descriptor whether it can be read, and whether it has room.
  mutating func wait(_ found: (Int32, _ isReadable: Bool, _ hasRoom: Bool) -> Void) {
    let count = unsafe epoll_wait(descriptor, &events, Int32(events.count), -1)
    for index in 0..<max(0, Int(count)) {
      let (descriptor, ready) = unsafe (events[index].data.fd, events[index].events)
      let isReadable = ready & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
      found(descriptor, isReadable, ready & EPOLLOUT.rawValue != 0)
    }
  }
}
