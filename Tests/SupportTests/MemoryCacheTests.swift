import Support
import TestTools
import Testing

@Suite struct MemoryCacheTests {
    @Test func theLeastRecentlyUsedLeaveUntilTheSumOfCostsFits() {
        let cache = MemoryCache<Int, String>(limit: 10)
        for key in 0..<5 { cache.insert("\(key)", for: key, cost: 2) }
        #expect(cache[0] == "0")
        cache.insert("5", for: 5, cost: 2)
        #expect(cache[1] == nil)
        #expect(cache[0] == "0")
        #expect(cache.usage.cost == 10)
    }

    @Test func agreesWithAPlainModelOverSeededRandomUse() {
        var random = Seeded(11)
        let cache = MemoryCache<Int, Int>(limit: 40)
        var model: [(key: Int, value: Int, cost: Int)] = []
        for step in 0..<20_000 {
            let key = Int.random(in: 0..<30, using: &random)
            let place = model.firstIndex { $0.key == key }
            if Bool.random(using: &random) {
                #expect(cache[key] == place.map { model[$0].value }, "step \(step)")
                if let place { model.append(model.remove(at: place)) }
            } else {
                let cost = Int.random(in: 1...9, using: &random)
                cache.insert(step, for: key, cost: cost)
                if let place { model.remove(at: place) }
                model.append((key, step, cost))
                while model.reduce(0, { $0 + $1.cost }) > 40, model.count > 1 { model.removeFirst() }
            }
            #expect(cache.usage.cost == model.reduce(0) { $0 + $1.cost })
        }
    }

    @Test func whatIsRemovedIsGoneAndItsPlaceFree() {
        let cache = MemoryCache<Int, String>(limit: 10)
        cache.insert("a", for: 1, cost: 6)
        cache.insert("b", for: 2, cost: 4)
        cache.remove(1)
        cache.remove(3)
        #expect(cache[1] == nil)
        #expect(cache.usage == (4, 1))
        #expect(cache.cost { $0 == 2 } == 4)
        #expect(cache.cost { $0 == 1 } == 0)
        cache.insert("c", for: 3, cost: 6)
        #expect(cache[2] == "b")
        #expect(cache[3] == "c")
    }
}
