/// Grows a neuron: random walks with inertia that branch, taper and turn back at the surfaces of the section.
struct NeuronGrower {
    private let plan: NeuronPlan
    private var random: Random
    private(set) var nodes: [Node] = []

    struct Node {
        var type: Int
        var x: Double
        var y: Double
        var z: Double
        var radius: Double
        var parent: Int
    }

    private struct Direction {
        var x: Double
        var y: Double
        var z: Double

        func normalised() -> Direction {
            let length = max((x * x + y * y + z * z).squareRoot(), 1e-9)
            return Direction(x: x / length, y: y / length, z: z / length)
        }
    }

    private struct Branch {
        var type: Int
        var length: Double
        var startRadius: Double
        var endRadius: Double
        /// Splits still allowed.
        var order: Int
        /// Standard deviation of the change of direction at each step.
        var wobble: Double
    }

    /// Micrometres between nodes: the median of the database (docs/DATA.md 8).
    private static let step = 1.15

    static func grow(_ plan: NeuronPlan) -> [Node] {
        var grower = NeuronGrower(plan: plan, random: Random(seed: plan.seed, stream: 1))
        grower.growAll()
        return grower.nodes
    }

    private mutating func growAll() {
        let reach = min(plan.width, plan.height)
        placeSoma()
        let soma = nodes[0]
        let stems = random.whole(4...6)
        for stem in 0..<stems {
            let angle = (Double(stem) + random.between(-0.3, 0.3)) / Double(stems) * 2 * .pi
            let direction = Direction(x: cosine(angle), y: sine(angle), z: random.between(-0.25, 0.25))
            let radius = random.between(0.5, 0.9)
            sprout(
                Branch(
                    type: 3, length: reach * random.between(0.12, 0.2), startRadius: radius, endRadius: 0.16, order: 3,
                    wobble: 0.16), from: 0, direction)
        }
        if plan.isPyramidal {
            let up = Direction(x: random.between(-0.15, 0.15), y: -1, z: random.between(-0.05, 0.05))
            sprout(
                Branch(
                    type: 4, length: soma.y * 0.55, startRadius: 1.3, endRadius: 0.3, order: 3, wobble: 0.05),
                from: 0, up)
        }
        let down = Direction(x: random.between(-0.4, 0.4), y: 1, z: random.between(-0.2, 0.2))
        let axonLength = plan.fullAxon ? reach * random.between(0.2, 0.3) : 30
        sprout(
            Branch(
                type: 2, length: axonLength, startRadius: 0.3, endRadius: Imaging.pixel, order: plan.fullAxon ? 5 : 0,
                wobble: 0.22), from: 0, down)
        for _ in 0..<plan.style.extraRoots { growDetachedAxon() }
    }

    /// Whole pixels and planes, as in half of the skeletons of the database.
    private mutating func placeSoma() {
        let x = plan.width * random.between(0.42, 0.58)
        let y = plan.height * (plan.isPyramidal ? random.between(0.58, 0.66) : random.between(0.42, 0.58))
        let z = plan.depth * random.between(0.4, 0.6)
        nodes.append(
            Node(
                type: 1, x: (x / Imaging.pixel).rounded() * Imaging.pixel,
                y: (y / Imaging.pixel).rounded() * Imaging.pixel, z: (z / Imaging.plane).rounded() * Imaging.plane,
                radius: min(random.between(5, 8), plan.depth / 4), parent: -1))
    }

    private mutating func growDetachedAxon() {
        let start = Node(
            type: 2, x: plan.width * random.between(0.2, 0.8), y: plan.height * random.between(0.2, 0.8),
            z: plan.depth * random.between(0.2, 0.8), radius: Imaging.pixel, parent: -1)
        nodes.append(start)
        let angle = random.between(0, 2 * .pi)
        sprout(
            Branch(type: 2, length: 20, startRadius: 0.15, endRadius: Imaging.pixel, order: 1, wobble: 0.25),
            from: nodes.count - 1, Direction(x: cosine(angle), y: sine(angle), z: 0))
    }

    private mutating func sprout(_ branch: Branch, from start: Int, _ direction: Direction) {
        var direction = direction.normalised()
        var parent = start
        let steps = max(3, Int(branch.length / Self.step))
        for index in 1...steps {
            direction.x += random.normal() * branch.wobble
            direction.y += random.normal() * branch.wobble
            // A slice is thin, so neurites run mostly in its plane.
            direction.z = direction.z * 0.9 + random.normal() * branch.wobble * 0.5
            direction = direction.normalised()
            let origin = nodes[parent]
            let first = index == 1 && origin.type == 1
            let length = first ? origin.radius : Self.step
            let z = origin.z + direction.z * length
            turnBack(&direction, x: origin.x + direction.x * length, y: origin.y + direction.y * length, z: z)
            let progress = Double(index) / Double(steps)
            nodes.append(
                Node(
                    type: branch.type, x: clamp(origin.x + direction.x * length, 4, plan.width - 4),
                    y: clamp(origin.y + direction.y * length, 4, plan.height - 4),
                    z: clamp(origin.z + direction.z * length, 1, plan.depth - 1),
                    radius: branch.startRadius + (branch.endRadius - branch.startRadius) * progress.squareRoot(),
                    parent: parent))
            parent = nodes.count - 1
            if branch.type == 4, branch.order > 0, index % 24 == 12 { oblique(branch, parent, direction) }
        }
        guard branch.order > 0 else { return }
        for side in [-1.0, 1.0] {
            var child = branch
            child.order -= 1
            child.length *= random.between(0.6, 0.95)
            if branch.type == 4 { child.wobble = 0.14 }
            child.startRadius = max(branch.endRadius * 0.9, Imaging.pixel)
            child.endRadius = max(branch.endRadius * 0.7, Imaging.pixel)
            sprout(child, from: parent, turned(direction, by: side * random.between(0.35, 0.75)))
        }
    }

    private mutating func oblique(_ branch: Branch, _ start: Int, _ direction: Direction) {
        let side = random.unit() < 0.5 ? -1.0 : 1.0
        sprout(
            Branch(
                type: 4, length: branch.length * 0.25, startRadius: 0.35, endRadius: 0.16, order: 0, wobble: 0.18),
            from: start, turned(direction, by: side * random.between(0.9, 1.3)))
    }

    private mutating func turned(_ direction: Direction, by angle: Double) -> Direction {
        let (c, s) = (cosine(angle), sine(angle))
        return Direction(
            x: direction.x * c - direction.y * s, y: direction.x * s + direction.y * c,
            z: direction.z + random.between(-0.2, 0.2))
    }

    private func turnBack(_ direction: inout Direction, x: Double, y: Double, z: Double) {
        if x < 5 || x > plan.width - 5 { direction.x = -direction.x }
        if y < 5 || y > plan.height - 5 { direction.y = -direction.y }
        if z < 1.5 || z > plan.depth - 1.5 { direction.z = -direction.z }
    }

    private func clamp(_ value: Double, _ low: Double, _ high: Double) -> Double { min(max(value, low), high) }
}

/// Cosine and sine to eight digits by a Taylor series. The C library may give another last digit on another machine,
/// and the world must not differ between machines.
private func cosine(_ angle: Double) -> Double { sine(angle + .pi / 2) }

private func sine(_ angle: Double) -> Double {
    var x = angle.remainder(dividingBy: 2 * .pi)
    if x > .pi / 2 { x = .pi - x }
    if x < -.pi / 2 { x = -.pi - x }
    let square = x * x
    var (term, sum) = (x, x)
    for n in stride(from: 3.0, through: 15, by: 2) {
        term *= -square / (n * (n - 1))
        sum += term
    }
    return sum
}
