/// The ids of the objects that have blocks, each kept once, and which of them are pinned.
struct ObjectTable {
    private struct Entry {
        var id: String
        var blocks: Int
        var isPinned: Bool
    }

    private var entries: [Entry] = []
    private var free: [UInt32] = []
    private var byID: [String: UInt32] = [:]
    private var pins = Pins([])

    /// The numbers of the objects whose id is `id` or continues it after a slash.
    func numbers(under id: String) -> [UInt32] {
        byID.filter { $0.key == id || $0.key.hasPrefix(id + "/") }.map(\.value)
    }

    func isPinned(_ number: UInt32) -> Bool { entries[Int(number)].isPinned }

    /// Counts one more block of `id`. Returns the number of the object.
    mutating func retain(_ id: String) -> UInt32 {
        if let number = byID[id] {
            entries[Int(number)].blocks += 1
            return number
        }
        let entry = Entry(id: id, blocks: 1, isPinned: pins.cover(id))
        let number: UInt32
        if let reused = free.popLast() {
            number = reused
            entries[Int(number)] = entry
        } else {
            number = UInt32(entries.count)
            entries.append(entry)
        }
        byID[id] = number
        return number
    }

    /// Counts one block less. An object without blocks is forgotten.
    mutating func release(_ number: UInt32) {
        entries[Int(number)].blocks -= 1
        guard entries[Int(number)].blocks == 0 else { return }
        byID[entries[Int(number)].id] = nil
        entries[Int(number)].id = ""
        free.append(number)
    }

    /// Takes over a list of pins. Returns the objects for which the list changes something.
    mutating func setPins(_ pins: Pins) -> Set<UInt32> {
        self.pins = pins
        var changed: Set<UInt32> = []
        for (id, number) in byID where entries[Int(number)].isPinned != pins.cover(id) {
            entries[Int(number)].isPinned.toggle()
            changed.insert(number)
        }
        return changed
    }
}
