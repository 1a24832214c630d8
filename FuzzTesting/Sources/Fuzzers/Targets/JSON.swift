@testable import AllenSource
@testable import Specimens
@testable import Support

/// A JSON text from the server, the disk or a configuration. The input is the text.
@Sendable func fuzzJSON(_ bytes: [UInt8]) {
    let value: JSONValue
    do throws(JSONError) {
        value = try JSONValue.parse(bytes)
    } catch {
        require((0...bytes.count).contains(error.offset) && !error.reason.isEmpty, "an error names its place")
        return
    }
    for style in [JSONValue.Style.compact, .indented] {
        do throws(JSONError) {
            require(try JSONValue.parse(value.bytes(style)) == value, "a value survives being written")
        } catch {
            require(false, "what was written is JSON: \(error)")
        }
    }
    useNumbers(value)
}

/// The conversions that all readers of a value call.
private func useNumbers(_ value: JSONValue) {
    _ = (value.intValue, value.doubleValue, value.hashValue)
    for element in value.arrayValue ?? [] { useNumbers(element) }
    for (key, member) in value.objectValue?.members ?? [] {
        require(value[key] == member, "a member is found by its key")
        useNumbers(member)
    }
}

/// The reply to a query, and everything that the catalogue derives from its rows. The input is the body of the reply.
@Sendable func fuzzRMA(_ bytes: [UInt8]) {
    let reply: RMAReply
    do throws(CatalogueError) {
        reply = try RMAReply.parse(bytes)
    } catch {
        return
    }
    require(reply.rowCount == reply.rows.count, "the count is that of the rows")
    require(reply.startRow >= 0 && reply.totalRows >= 0, "counts are not negative")
    let rows = reply.rows
    let details = SpecimenDetails(of: 1, subImages: rows, projections: rows, reconstructions: rows, at: 0)
    if let stack = details.stack { checkStack(stack) }
    for file in details.files { _ = details.markerFileID(forSkeleton: file.id) }
    do throws(CatalogueError) {
        let cells = try CellList(rows: rows)
        do throws(JSONError) {
            require(
                try JSONValue.parse(cells.cellsJSON).arrayValue?.count == rows.count,
                "cells.json has a row for each cell")
        } catch {
            require(false, "cells.json is JSON: \(error)")
        }
        for specimen in cells.specimens {
            require(specimen.row["specimen__id"]?.intValue == specimen.id, "a specimen finds its row")
            require(!specimen.name.isEmpty && !specimen.name.utf8.contains(0), "a name can be a file's")
        }
        let names = FolderName.unique(cells.specimens.map(\.name))
        require(Set(names).count == names.count, "folder names are unique")
        for name in names {
            require(
                !name.isEmpty && name.utf8.count <= FolderName.longest, "\(name) has a length that a folder can have")
            require(
                !name.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") } && !name.hasPrefix("."), "\(name) is safe")
        }
    } catch {
        return
    }
}

/// The guarantees of every stack.
private func checkStack(_ stack: ImageStack) {
    require((1...ImageStack.maximumDepth).contains(stack.depth), "the depth is bounded")
    require(stack.width > 0 && stack.height > 0 && stack.spacing.x > 0, "planes have a size")
    for plane in stack.planes {
        let index = stack.index(of: plane)
        require((0..<stack.depth).contains(index), "a plane lies in its stack")
        require(stack.plane(at: index) == plane, "a plane is found by its index")
    }
    for plane in stack.failedPlanes {
        require(stack.plane(at: stack.index(of: plane)) == nil, "a failed plane is absent")
    }
    _ = (stack.plane(at: -1), stack.plane(at: .max))
}
