internal import Glibc

// A socket whose bytes pass through a layer. It reports as any other does; what the layer needs by itself, such as to
// write before it can read, stays here.

extension Socket {
  /// Lets all bytes pass through a layer from now on, after its handshake, whose end the owner is told.
  public func secure(with layer: any SocketLayer) {
    let passage = Passage(layer)
    self.passage = passage
    layer.begin(on: descriptor)
    if layer.speaksFirst { watch?.awaitWrite() }
  }

  /// Goes on with a layer that another socket has given up; after `start`.
  public func resume(_ released: ReleasedLayer) {
    let passage = Passage(released.layer)
    passage.isHandshaking = false
    passage.unflushed = released.unflushed
    passage.readAwaitsWrite = released.readAwaitsWrite
    self.passage = passage
    if !isFlushed || passage.readAwaitsWrite { watch?.awaitWrite() }
  }

  /// Gives the layer up together with the descriptor (`release`), to whoever goes on with both elsewhere.
  public func releaseLayer() -> ReleasedLayer? {
    guard let passage else { return nil }
    // An end that the layer has read already is found there by reading once more.
    let isReadDue = passage.readAwaitsWrite || passage.endReport != nil
    loop.cancelTimer(&passage.endReport)
    self.passage = nil
    return ReleasedLayer(layer: passage.layer, unflushed: passage.unflushed, readAwaitsWrite: isReadDue)
  }

  /// Whether the layer is not ready for bytes yet.
  public var isHandshaking: Bool { passage?.isHandshaking ?? false }

  /// Whether everything that was written has left this process.
  public var isFlushed: Bool { passage?.unflushed.isEmpty ?? true }

  /// What the peers agreed to speak above the layer; `nil` without one.
  public var applicationProtocol: String? { passage?.layer.applicationProtocol }

  /// Whether the layer took up an earlier connection's agreement.
  public var isResumed: Bool { passage?.layer.isResumed ?? false }

  /// Goes on without the layer, whose handshake failed: what is written now is for a peer that never used it.
  public func dropLayer() {
    passage = nil
  }

  // MARK: - Reports

  func layerReadable(_ passage: Passage) {
    if passage.isHandshaking { return handshake(passage) }
    owner?.socketReadable()
  }

  func layerWritable(_ passage: Passage) {
    if passage.isHandshaking { return handshake(passage) }
    let isReadDue = passage.readAwaitsWrite
    passage.readAwaitsWrite = false
    guard flush(passage) else { return }
    if passage.isEnding { endWrites(passage) }
    if passage.ownerAwaitsWrite {
      passage.ownerAwaitsWrite = false
      owner?.socketWritable()
    }
    if isReadDue, watch?.isReading == true { owner?.socketReadable() }
  }

  private func handshake(_ passage: Passage) {
    switch passage.layer.handshake() {
    case .done:
      passage.isHandshaking = false
      owner?.handshakeEnded(nil)
    case .awaitsRead: break
    case .awaitsWrite: watch?.awaitWrite()
    case .ended:
      passage.isOver = true
      owner?.handshakeEnded(.peerLeft)
    case .failed(let failure):
      passage.isOver = true
      owner?.handshakeEnded(failure)
    }
  }

  // MARK: - Reading

  /// Reads until the layer has nothing: only then does it let its buffer go, and readiness of the descriptor says all.
  func read(_ passage: Passage, _ consume: (Span<UInt8>) -> Void) -> ReadOutcome {
    guard !passage.isHandshaking else { return .wouldBlock }
    let buffer = unsafe loop.readBuffer
    var count = 0
    var last = LayerStep.awaitsRead
    while buffer.count - count >= SocketLayerBounds.recordBytes {
      last = unsafe passage.layer.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      guard case .done(let read) = last else { break }
      count += read
    }
    let outcome: ReadOutcome
    switch last {
    case .done, .awaitsRead: outcome = .wouldBlock
    case .awaitsWrite:
      passage.readAwaitsWrite = true
      watch?.awaitWrite()
      outcome = .wouldBlock
    case .ended: outcome = .ended
    case .failed(let failure):
      passage.isOver = true
      outcome = .failed(SystemError("SSL_read", code: failure == .peerLeft ? ECONNRESET : EPROTO))
    }
    guard count > 0, let start = buffer.baseAddress else { return outcome }
    // The end is known to the layer alone: the descriptor may never report it.
    if outcome != .wouldBlock, passage.endReport == nil { passage.endReport = loop.setTimer(after: .zero, for: self) }
    unsafe consume(Span(_unsafeStart: start.assumingMemoryBound(to: UInt8.self), count: count))
    return .read
  }

  // MARK: - Writing

  /// Writes the loop's output vector in as few records as it fits into.
  func writeOutput(_ passage: Passage) -> WriteOutcome {
    guard flush(passage) else { return passage.isOver ? Self.broken : .wouldBlock }
    var place = OutputVector.Place()
    var written = 0
    while true {
      let count = unsafe loop.output.gather(from: &place, into: loop.recordBuffer)
      if count == 0 { return .wrote(written) }
      switch unsafe write(UnsafeRawBufferPointer(rebasing: loop.recordBuffer[..<count]), passage) {
      case .failed(let error): return written > 0 ? .wrote(written) : .failed(error)
      case .wrote, .wouldBlock: written += count
      }
      if !passage.unflushed.isEmpty { return .wrote(written) }
    }
  }

  func write(_ bytes: Span<UInt8>, _ passage: Passage) -> WriteOutcome {
    guard flush(passage) else { return passage.isOver ? Self.broken : .wouldBlock }
    var written = 0
    while written < bytes.count {
      let piece = bytes.extracting(written..<min(bytes.count, written + SocketLayerBounds.recordBytes))
      let outcome = unsafe piece.withUnsafeBytes { unsafe write($0, passage) }
      if case .failed = outcome { return written > 0 ? .wrote(written) : outcome }
      written += piece.count
      if !passage.unflushed.isEmpty { break }
    }
    return .wrote(written)
  }

  /// Writes one record, or keeps it where the descriptor is full.
  private func write(_ bytes: UnsafeRawBufferPointer, _ passage: Passage) -> WriteOutcome {
    guard !passage.isHandshaking, !passage.isOver else { return Self.broken }
    var rest = unsafe bytes
    while unsafe !rest.isEmpty {
      switch unsafe passage.layer.write(rest) {
      case .done(let count):
        unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      case .awaitsRead:
        unsafe passage.unflushed = Array(rest)
        return .wrote(bytes.count)
      case .awaitsWrite:
        unsafe passage.unflushed = Array(rest)
        watch?.awaitWrite()
        return .wrote(bytes.count)
      case .ended, .failed:
        passage.isOver = true
        return Self.broken
      }
    }
    return .wrote(bytes.count)
  }

  /// Whether nothing is left over of an earlier write; where something is, the descriptor is waited for.
  private func flush(_ passage: Passage) -> Bool {
    while !passage.unflushed.isEmpty {
      guard !passage.isOver else { return false }
      switch unsafe passage.unflushed.withUnsafeBytes({ unsafe passage.layer.write($0) }) {
      case .done(let count) where count == passage.unflushed.count:
        passage.unflushed = []
      case .done(let count):
        passage.unflushed.removeFirst(count)
      case .awaitsRead:
        return false
      case .awaitsWrite:
        watch?.awaitWrite()
        return false
      case .ended, .failed:
        // The owner's next read or write tells it.
        passage.isOver = true
      }
    }
    return true
  }

  private static var broken: WriteOutcome { .failed(SystemError("SSL_write", code: EPIPE)) }

  // MARK: - Ending

  /// Tells the peer the end once everything was flushed, and then the kernel.
  func endWrites(_ passage: Passage) {
    passage.isEnding = true
    guard flush(passage) else {
      // Who waits for the peer to have read it all begins to wait then.
      passage.ownerAwaitsWrite = true
      return
    }
    if !passage.isHandshaking, !passage.isOver {
      passage.isOver = true
      // A descriptor too full for the few bytes of the farewell belongs to a peer that reads nothing.
      _ = passage.layer.end()
    }
    passage.isEnding = false
    Glibc.shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Says the farewell, where that costs no waiting.
  func sayFarewell(_ passage: Passage) {
    guard !passage.isHandshaking, !passage.isOver, passage.unflushed.isEmpty else { return }
    passage.isOver = true
    _ = passage.layer.end()
  }
}

extension Socket: TimerOwner {
  /// The end that the layer has read is due.
  public func timerFired(_ tag: UInt8) {
    passage?.endReport = nil
    owner?.socketReadable()
  }
}
