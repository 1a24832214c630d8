/* The control of the label benchmark: the algorithm of Sources/Core/Morphology, written as a C programmer would write it.
   Solids are bucketed by plane, each row has one analytic interval, and the exact test settles its ends. Runs are sorted
   by row with a counting sort, and the lowest value wins. run.sh compiles it with gcc -O3. */
#include "control.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 1e-6
#define MARGIN 1e-5

typedef struct {
    int type, class, parent;
    double x, y, z, r;
} node;

struct control_skeleton {
    node *nodes;
    size_t count;
};

typedef struct {
    double la, fa, lb, fb, ra, rb, u, v, s, c, c2, wl;
    int disc;
} shadow_t;

typedef struct {
    double ax, ay, az, bx, by, bz, ra, rb, ux, uy, uz, s, c, c2, wl;
    shadow_t shadow;
    int ball;
    uint16_t value;
} solid;

typedef struct {
    uint64_t *words;
    size_t count, capacity;
} buffer;

struct control_index {
    control_grid grid;
    buffer runs;
    uint32_t *starts;
};

static void push(buffer *b, uint64_t word) {
    if (b->count == b->capacity) {
        b->capacity = b->capacity ? 2 * b->capacity : 4096;
        b->words = realloc(b->words, b->capacity * sizeof *b->words);
    }
    b->words[b->count++] = word;
}

/* ---- parser ---- */

control_skeleton *control_parse(const char *text) {
    size_t capacity = 1024, count = 0;
    node *nodes = malloc(capacity * sizeof *nodes);
    long *ids = malloc(capacity * sizeof *ids), *parents = malloc(capacity * sizeof *parents), largest = 0;
    while (*text) {
        while (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n') text++;
        if (*text && *text != '#') {
            char *end;
            if (count == capacity) {
                capacity *= 2;
                nodes = realloc(nodes, capacity * sizeof *nodes);
                ids = realloc(ids, capacity * sizeof *ids);
                parents = realloc(parents, capacity * sizeof *parents);
            }
            node *n = &nodes[count];
            ids[count] = strtol(text, &end, 10);
            n->type = (int)strtol(end, &end, 10);
            n->x = strtod(end, &end);
            n->y = strtod(end, &end);
            n->z = strtod(end, &end);
            n->r = strtod(end, &end);
            parents[count] = strtol(end, &end, 10);
            if (ids[count] > largest) largest = ids[count];
            count++;
            text = end;
        }
        while (*text && *text != '\n') text++;
    }
    int *table = malloc((size_t)(largest + 1) * sizeof *table);
    for (long i = 0; i <= largest; i++) table[i] = -1;
    for (size_t i = 0; i < count; i++) table[ids[i]] = (int)i;
    for (size_t i = 0; i < count; i++)
        nodes[i].parent = parents[i] >= 0 && parents[i] <= largest ? table[parents[i]] : -1;
    for (size_t i = 0; i < count; i++) {
        int at = (int)i;
        while (at >= 0 && (nodes[at].type == 5 || nodes[at].type == 6)) at = nodes[at].parent;
        int type = at >= 0 ? nodes[at].type : 0;
        nodes[i].class = type >= 1 && type <= 4 ? type : 255;
    }
    free(table);
    free(ids);
    free(parents);
    control_skeleton *skeleton = malloc(sizeof *skeleton);
    skeleton->nodes = nodes;
    skeleton->count = count;
    return skeleton;
}

size_t control_nodes(const control_skeleton *skeleton) { return skeleton->count; }

void control_free_skeleton(control_skeleton *skeleton) {
    free(skeleton->nodes);
    free(skeleton);
}

/* ---- geometry ---- */

static solid make_solid(double ax, double ay, double az, double ra, double bx, double by, double bz, double rb,
                        uint16_t value) {
    solid o;
    memset(&o, 0, sizeof o);
    o.ax = ax, o.ay = ay, o.az = az, o.bx = bx, o.by = by, o.bz = bz;
    o.ra = ra, o.rb = rb, o.c = o.c2 = 1, o.value = value;
    double dx = bx - ax, dy = by - ay, dz = bz - az, d = ra - rb, sq = dx * dx + dy * dy + dz * dz;
    if (sq <= d * d) {
        o.ball = 1;
        if (ra < rb) o.ax = bx, o.ay = by, o.az = bz, o.ra = rb;
        else o.bx = ax, o.by = ay, o.bz = az, o.rb = ra;
    } else {
        double l = sqrt(sq);
        o.ux = dx / l, o.uy = dy / l, o.uz = dz / l, o.s = d / l;
        o.c2 = (sq - d * d) / sq, o.c = sqrt(o.c2), o.wl = l * o.c2;
    }
    shadow_t *h = &o.shadow;
    double grown = TOLERANCE + MARGIN, du = o.by - o.ay, dv = o.bz - o.az;
    h->la = o.ay, h->fa = o.az, h->ra = o.ra + grown, h->lb = o.by, h->fb = o.bz, h->rb = o.rb + grown;
    d = o.ra - o.rb, sq = du * du + dv * dv, h->c = h->c2 = 1;
    if (sq <= d * d) {
        h->disc = 1;
        if (o.ra < o.rb) h->la = o.by, h->fa = o.bz, h->ra = o.rb + grown;
    } else {
        double l = sqrt(sq);
        h->u = du / l, h->v = dv / l, h->s = d / l;
        h->c2 = (sq - d * d) / sq, h->c = sqrt(h->c2), h->wl = l * h->c2;
    }
    return o;
}

typedef struct {
    double low, high;
} interval;

static inline void add_ball(interval *i, double at, double reach) {
    if (reach < 0) return;
    double h = sqrt(reach);
    if (at - h < i->low) i->low = at - h;
    if (at + h > i->high) i->high = at + h;
}

static inline void add_root(interval *i, double x, double u, double w0, double wl) {
    double w = u * x + w0;
    if (!(w >= 0 && w <= wl)) return;
    if (x < i->low) i->low = x;
    if (x > i->high) i->high = x;
}

static inline void add_cone(interval *i, double u, double w0, double reach, double c, double c2, double wl) {
    double q = c2 - u * u, d = w0 * w0 + q * reach;
    if (d < 0) return;
    double root = c * sqrt(d), half = u * w0, sum = half >= 0 ? half + root : half - root;
    add_root(i, sum / q, u, w0, wl);
    add_root(i, -(c2 * reach + w0 * w0) / sum, u, w0, wl);
}

static inline interval shadow_interval(const shadow_t *h, double fixed) {
    interval i = {INFINITY, -INFINITY};
    double da = fixed - h->fa, ra = h->ra * h->ra - da * da;
    add_ball(&i, 0, ra);
    if (h->disc) return i;
    double db = fixed - h->fb;
    add_ball(&i, h->lb - h->la, h->rb * h->rb - db * db);
    add_cone(&i, h->u, h->v * da - h->ra * h->s, ra, h->c, h->c2, h->wl);
    return i;
}

static inline interval solid_interval(const solid *o, double y, double z) {
    interval i = {INFINITY, -INFINITY};
    double dya = y - o->ay, dza = z - o->az, a = o->ra + (TOLERANCE + MARGIN);
    double reach = a * a - (dya * dya + dza * dza);
    add_ball(&i, 0, reach);
    if (o->ball) return i;
    double dyb = y - o->by, dzb = z - o->bz, b = o->rb + (TOLERANCE + MARGIN);
    add_ball(&i, o->bx - o->ax, b * b - (dyb * dyb + dzb * dzb));
    add_cone(&i, o->ux, o->uy * dya + o->uz * dza - a * o->s, reach, o->c, o->c2, o->wl);
    return i;
}

static inline int inside(const solid *o, double x, double y, double z) {
    double a = o->ra + TOLERANCE, qx = x - o->ax, qy = y - o->ay, qz = z - o->az;
    double out = qx * qx + (qy * qy + qz * qz) - a * a;
    if (out <= 0) return 1;
    if (o->ball) return 0;
    double b = o->rb + TOLERANCE, px = x - o->bx, py = y - o->by, pz = z - o->bz;
    if (px * px + (py * py + pz * pz) <= b * b) return 1;
    double w = o->ux * qx + (o->uy * qy + o->uz * qz - a * o->s);
    return w >= 0 && w <= o->wl && o->c2 * out <= w * w;
}

static inline int first_index(double value, double inverse, double origin, int limit) {
    double e = value * inverse - origin;
    if (!(e > 0)) return 0;
    if (!(e < limit)) return limit;
    int t = (int)e;
    return t < e ? t + 1 : t;
}

static inline int last_index(double value, double inverse, double origin, int limit) {
    double e = value * inverse - origin;
    if (!(e >= 0)) return -1;
    return e < limit ? (int)e : limit - 1;
}

/* ---- runs ---- */

#define ROW(w) ((int)((w) >> 48))
#define FIRST(w) ((int)((w) >> 32 & 0xFFFF))
#define LAST(w) ((int)((w) >> 16 & 0xFFFF))
#define VALUE(w) ((uint16_t)(w))
#define PACK(r, f, l, v) ((uint64_t)(r) << 48 | (uint64_t)(f) << 32 | (uint64_t)(l) << 16 | (v))

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void resolve_cluster(const uint64_t *w, size_t start, size_t end, int last, buffer *out) {
    int column = FIRST(w[start]), row = ROW(w[start]), pending = column, value = -1;
    while (column <= last) {
        int best = 65536, best_last = -1;
        size_t i = start;
        for (; i < end && FIRST(w[i]) <= column; i++) {
            int l = LAST(w[i]), v = VALUE(w[i]);
            if (l >= column && (v < best || (v == best && l > best_last))) best = v, best_last = l;
        }
        int stop = best_last;
        for (; i < end && FIRST(w[i]) <= stop; i++)
            if (VALUE(w[i]) < best) {
                stop = FIRST(w[i]) - 1;
                break;
            }
        if (value >= 0 && value != best) {
            push(out, PACK(row, pending, column - 1, value));
            pending = column;
        }
        value = best;
        column = stop + 1;
    }
    push(out, PACK(row, pending, last, value));
}

static void resolve(const buffer *raw, buffer *sorted, uint32_t *counts, int height, buffer *out) {
    if (!raw->count) return;
    if (sorted->capacity < raw->count) {
        sorted->capacity = raw->capacity;
        sorted->words = realloc(sorted->words, sorted->capacity * sizeof *sorted->words);
    }
    int low = height, high = 0;
    for (size_t i = 0; i < raw->count; i++) {
        int row = ROW(raw->words[i]);
        counts[row]++;
        if (row < low) low = row;
        if (row > high) high = row;
    }
    uint32_t total = 0;
    for (int row = low; row <= high; row++) {
        uint32_t n = counts[row];
        counts[row] = total;
        total += n;
    }
    uint64_t *w = sorted->words;
    for (size_t i = 0; i < raw->count; i++) w[counts[ROW(raw->words[i])]++] = raw->words[i];
    memset(counts + low, 0, (size_t)(high - low + 1) * sizeof *counts);
    for (size_t start = 0, end; start < raw->count; start = end) {
        int row = ROW(w[start]);
        for (end = start + 1; end < raw->count && ROW(w[end]) == row;) end++;
        if (end - start > 48) qsort(w + start, end - start, sizeof *w, compare);
        else
            for (size_t i = start + 1; i < end; i++) {
                uint64_t word = w[i];
                size_t hole = i;
                for (; hole > start && w[hole - 1] > word; hole--) w[hole] = w[hole - 1];
                w[hole] = word;
            }
        for (size_t i = start, next; i < end; i = next) {
            int last = LAST(w[i]), uniform = 1;
            for (next = i + 1; next < end && FIRST(w[next]) <= last + 1; next++) {
                if (LAST(w[next]) > last) last = LAST(w[next]);
                uniform &= VALUE(w[next]) == VALUE(w[i]);
            }
            if (uniform) push(out, PACK(row, FIRST(w[i]), last, VALUE(w[i])));
            else resolve_cluster(w, i, next, last, out);
        }
    }
}

static void add_solid(const solid *o, const control_grid *g, const double inverse[3], double z, buffer *raw) {
    interval rows = shadow_interval(&o->shadow, z);
    if (rows.low > rows.high) return;
    int first_row = first_index(o->shadow.la + rows.low, inverse[1], g->oy, g->height);
    int last_row = last_index(o->shadow.la + rows.high, inverse[1], g->oy, g->height);
    for (int row = first_row; row <= last_row; row++) {
        double y = (row + g->oy) * g->sy;
        interval i = solid_interval(o, y, z);
        if (i.low > i.high) continue;
        int first = first_index(o->ax + i.low, inverse[0], g->ox, g->width);
        int last = last_index(o->ax + i.high, inverse[0], g->ox, g->width);
        while (first <= last && !inside(o, (first + g->ox) * g->sx, y, z)) first++;
        while (last > first && !inside(o, (last + g->ox) * g->sx, y, z)) last--;
        if (first <= last) push(raw, PACK(row, first, last, o->value));
    }
}

control_index *control_build(const control_skeleton *skeleton, const control_grid *g) {
    double floor_r = 0.5 * sqrt(g->sx * g->sx + g->sy * g->sy + g->sz * g->sz);
    double inverse[3] = {1 / g->sx, 1 / g->sy, 1 / g->sz};
    size_t n = skeleton->count;
    solid *solids = malloc(n * sizeof *solids);
    int *first = malloc(n * sizeof *first), *last = malloc(n * sizeof *last);
    int *bucket = calloc((size_t)g->depth + 1, sizeof *bucket), *order = malloc(n * sizeof *order);
    for (size_t i = 0; i < n; i++) {
        const node *b = &skeleton->nodes[i];
        double rb = fmax(b->r, floor_r);
        if (b->parent < 0) {
            solids[i] = make_solid(b->x, b->y, b->z, rb, b->x, b->y, b->z, rb, (uint16_t)b->class);
        } else {
            const node *a = &skeleton->nodes[b->parent];
            double ra = a->type == 1 && b->type != 1 ? rb : fmax(a->r, floor_r);
            solids[i] = make_solid(a->x, a->y, a->z, ra, b->x, b->y, b->z, rb, (uint16_t)b->class);
        }
        const solid *o = &solids[i];
        double grown = TOLERANCE + MARGIN;
        first[i] = first_index(fmin(o->az - o->ra, o->bz - o->rb) - grown, inverse[2], g->oz, g->depth);
        last[i] = last_index(fmax(o->az + o->ra, o->bz + o->rb) + grown, inverse[2], g->oz, g->depth);
        if (first[i] <= last[i]) bucket[first[i] + 1]++;
    }
    for (int k = 0; k < g->depth; k++) bucket[k + 1] += bucket[k];
    int *next = malloc(((size_t)g->depth + 1) * sizeof *next);
    memcpy(next, bucket, ((size_t)g->depth + 1) * sizeof *next);
    for (size_t i = 0; i < n; i++)
        if (first[i] <= last[i]) order[next[first[i]]++] = (int)i;

    control_index *index = calloc(1, sizeof *index);
    index->grid = *g;
    index->starts = malloc(((size_t)g->depth + 1) * sizeof *index->starts);
    index->starts[0] = 0;
    int *active = malloc(n * sizeof *active);
    size_t count = 0;
    buffer raw = {0}, sorted = {0};
    uint32_t *counts = calloc((size_t)g->height + 1, sizeof *counts);
    for (int k = 0; k < g->depth; k++) {
        size_t kept = 0;
        for (size_t i = 0; i < count; i++)
            if (last[active[i]] >= k) active[kept++] = active[i];
        count = kept;
        for (int i = bucket[k]; i < bucket[k + 1]; i++) active[count++] = order[i];
        raw.count = 0;
        double z = (k + g->oz) * g->sz;
        for (size_t i = 0; i < count; i++) add_solid(&solids[active[i]], g, inverse, z, &raw);
        resolve(&raw, &sorted, counts, g->height, &index->runs);
        index->starts[k + 1] = (uint32_t)index->runs.count;
    }
    free(solids), free(first), free(last), free(bucket), free(order), free(next), free(active);
    free(raw.words), free(sorted.words), free(counts);
    return index;
}

size_t control_runs(const control_index *index) { return index->runs.count; }

void control_free_index(control_index *index) {
    free(index->runs.words);
    free(index->starts);
    free(index);
}

/* ---- painting ---- */

static size_t lower_bound(const control_index *index, int plane, int row) {
    size_t low = index->starts[plane], high = index->starts[plane + 1];
    uint64_t key = (uint64_t)row << 48;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (index->runs.words[middle] < key) low = middle + 1;
        else high = middle;
    }
    return low;
}

void control_paint(const control_index *index, int plane, size_t lower, size_t upper, uint8_t *out) {
    size_t width = (size_t)index->grid.width, end = index->starts[plane + 1];
    memset(out, 0, upper - lower);
    int last_row = (int)((upper - 1) / width);
    for (size_t i = lower_bound(index, plane, (int)(lower / width)); i < end; i++) {
        uint64_t w = index->runs.words[i];
        if (ROW(w) > last_row) break;
        size_t start = (size_t)ROW(w) * width, a = start + (size_t)FIRST(w), b = start + (size_t)LAST(w) + 1;
        if (a < lower) a = lower;
        if (b > upper) b = upper;
        if (a < b) memset(out + (a - lower), VALUE(w), b - a);
    }
}

void control_window(
    const control_index *index, int plane, int x0, int x1, int y0, int y1, uint8_t *out, size_t stride) {
    size_t end = index->starts[plane + 1];
    if (stride == (size_t)(x1 - x0)) memset(out, 0, stride * (size_t)(y1 - y0));
    else
        for (int y = y0; y < y1; y++) memset(out + (size_t)(y - y0) * stride, 0, (size_t)(x1 - x0));
    for (size_t i = lower_bound(index, plane, y0); i < end; i++) {
        uint64_t w = index->runs.words[i];
        if (ROW(w) >= y1) break;
        int a = FIRST(w) < x0 ? x0 : FIRST(w), b = LAST(w) + 1 > x1 ? x1 : LAST(w) + 1;
        if (a < b) memset(out + (size_t)(ROW(w) - y0) * stride + (size_t)(a - x0), VALUE(w), (size_t)(b - a));
    }
}
