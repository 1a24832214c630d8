internal import Morphology
internal import SpecimenData
internal import Specimens
internal import Support

/// `labels-instance.json`: what each id of `labels-instance/` is.
enum InstanceTable {
    static func bytes(_ sections: Sections) -> [UInt8] {
        let rows = sections.all.map { section -> JSONValue in
            [
                "id": .int(Int(section.id)), "class": .int(Int(section.compartment.rawValue)),
                "parent": .int(Int(section.parent)), "length_um": .double((section.length * 1000).rounded() / 1000),
                "nodes": .int(section.nodeCount),
            ]
        }
        let document: JSONValue = [
            "format": "neuronfs instances 1",
            "values": "0 is background; an id is a neurite section between branch points and class changes",
            "sections": .array(rows),
        ]
        return Array((document.text(.indented) + "\n").utf8)
    }
}

extension Tree {
    /// The bytes of `labels-instance.json` of a specimen.
    func instanceTable(
        _ context: SpecimenContext, token: CancellationToken,
        completion: @escaping @Sendable (Result<Derived<[UInt8]>, FileTreeError>) -> Void
    ) {
        guard let subject = context.subject(in: context.stackGrid) else {
            return completion(.failure(.notFound))
        }
        parts.skeletons.skeleton(of: subject, token: token) { [instanceSizes] outcome in
            completion(
                outcome.mapError { .data($0) }.flatMap { skeleton in
                    do throws(LabelError) {
                        let bytes = InstanceTable.bytes(try Sections(skeleton.value))
                        for version in skeleton.versions { instanceSizes.insert(bytes.count, for: version, cost: 1) }
                        return .success(skeleton.map { _ in bytes })
                    } catch {
                        return .failure(.data(.labels(error)))
                    }
                })
        }
    }
}
