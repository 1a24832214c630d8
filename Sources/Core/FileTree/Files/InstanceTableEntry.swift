internal import Morphology
internal import Specimens
internal import Support
internal import Volumes

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

/// The file of the table.
struct InstanceTableEntry: SpecimenLeaf {
    let id: Int

    var node: Node { .specimenFile(id, .instances) }
    var place: String { SpecimenFile.instances.name }

    func mayExist(_ row: Specimen) -> Bool { row.isTrainable }

    func known(_ context: SpecimenContext, _ tree: TreeState) -> Knowledge {
        guard context.hasLabels, let skeleton = context.objects.skeleton else { return .absent }
        let version = tree.parts.files.cachedVersion(of: skeleton)
        return version.flatMap { tree.instanceSizes[$0.object] }.map { .known(facts($0, context, tree)) } ?? .unknown
    }

    func ask(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<Facts> {
        bytes(context, tree, token: token).map { facts($0.value.count, context, tree) }
    }

    func open(_ context: SpecimenContext, _ tree: TreeState, token: CancellationToken) -> Answer<any OpenFile> {
        bytes(context, tree, token: token).map {
            VersionedFile(
                BytesFile(tree.openBytes.share($0.value, for: node)), of: $0.versions, registry: tree.parts.registry)
        }
    }

    func isMade(from objects: ChangedObjects, _ context: SpecimenContext) -> Bool { objects.hasTracing }

    private func facts(_ size: Int, _ context: SpecimenContext, _ tree: TreeState) -> Facts {
        .file(size: size, modified: tree.time(of: context))
    }

    /// The bytes, made once for each context.
    private func bytes(
        _ context: SpecimenContext, _ tree: TreeState, token: CancellationToken
    ) -> Answer<Derived<[UInt8]>> {
        guard let subject = context.subject(in: context.stackGrid) else { return Promise(.failure(.notFound)) }
        return tree.parts.files.version(of: subject.skeleton, token: token).mapError { .data($0) }.flatMap { version in
            let known = tree.documents[DocumentKey(specimen: id, file: .instances)]
            if let known, known.versions == [version.object] { return Promise(.success(known)) }
            return make(context, subject, tree, token: token)
        }
    }

    private func make(
        _ context: SpecimenContext, _ subject: SkeletonService.Subject, _ tree: TreeState, token: CancellationToken
    ) -> Answer<Derived<[UInt8]>> {
        tree.parts.skeletons.skeleton(of: subject, token: token).mapError { .data($0) }.flatMap { skeleton in
            do throws(LabelError) {
                let bytes = InstanceTable.bytes(try Sections(skeleton.value))
                for version in skeleton.versions { tree.instanceSizes.insert(bytes.count, for: version, cost: 1) }
                let document = skeleton.map { _ in bytes }
                tree.keep(document, .instances, of: context)
                return Promise(.success(document))
            } catch {
                return Promise(.failure(.data(.labels(error))))
            }
        }
    }
}
