/// How much memory the gateway takes for its clients' work.
public struct MemorySettings: Sendable, Equatable {
  /// How much logs, buffers and connections may hold together, in all workers.
  public var budget: MemoryBound

  /// Puts memory settings together; the value is taken as it is.
  ///
  /// - Parameter budget: how much logs, buffers and connections may hold together.
  public init(budget: MemoryBound) {
    self.budget = budget
  }

  /// What holds where the file says nothing.
  public static let `default` = MemorySettings(budget: .auto)
}

extension MemorySettings {
  init(_ reader: SettingsReader) {
    self.init(
      budget: reader.text(
        "budget", default: .auto, allowed: MemoryBound.allowed,
        "How much logs, buffers and connections may hold together; auto = half of what the process may have."
      ) { MemoryBound($0) })
  }
}

/// How many bytes something may hold.
public enum MemoryBound: Sendable, Equatable {
  /// Half of the memory that the process may have: the rest is for its code, the allocator's and the kernel's.
  case auto
  /// So many bytes, within `bounds`.
  case bytes(Int)

  /// The least and the most there can be: 16 MiB to 1024 GiB.
  public static let bounds = 16 << 20...1024 << 30

  static let allowed =
    "auto, or \(UnitScale.bytes.allowed(in: Int64(bounds.lowerBound)...Int64(bounds.upperBound)))"

  /// Reads a bound as it stands in the settings.
  init?(_ text: String) {
    if text == "auto" {
      self = .auto
    } else if let bytes = UnitScale.bytes.value(of: text), Self.bounds.contains(Int(bytes)) {
      self = .bytes(Int(bytes))
    } else {
      return nil
    }
  }

  /// How many bytes that is where the process may have so many.
  public func bytes(ofMemory memoryBytes: Int) -> Int {
    switch self {
    case .auto: max(Self.bounds.lowerBound, memoryBytes / 2)
    case .bytes(let bytes): bytes
    }
  }
}

extension MemoryBound: CustomStringConvertible {
  /// The bound as it stands in the settings.
  public var description: String {
    switch self {
    case .auto: "auto"
    case .bytes(let bytes): UnitScale.bytes.text(for: Int64(bytes))
    }
  }
}
