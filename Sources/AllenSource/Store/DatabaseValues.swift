internal import Foundation
internal import GRDB

/// Reads columns of any type. GRDB's own conversions end the process when the type is another one, and a damaged file can
/// hold any type.
extension Row {
    func int(_ index: Int) -> Int? {
        let value: DatabaseValue = self[index]
        if case .int64(let number) = value.storage { return Int(number) }
        return nil
    }

    func double(_ index: Int) -> Double? {
        let value: DatabaseValue = self[index]
        switch value.storage {
        case .double(let number): return number
        case .int64(let number): return Double(number)
        default: return nil
        }
    }

    func text(_ index: Int) -> String? {
        let value: DatabaseValue = self[index]
        if case .string(let text) = value.storage { return text }
        return nil
    }

    func bytes(_ index: Int) throws -> [UInt8]? {
        try withUnsafeData(atIndex: index) { data in data.map { [UInt8]($0) } }
    }
}

/// `bytes` as SQLite takes them.
func blob(_ bytes: [UInt8]) -> Data { Data(bytes) }
