/*
 * What an engine finds in its journal: bytes that may be anything.
 *
 * The first byte says what they are: the record itself behind its version, or changes (place,
 * value) to a record that an engine has just written, so that seeds stay good when its form
 * changes.
 *
 * What is refused leaves nothing behind. What is taken over is an SA like any other: it is saved,
 * restored and saved again to the same bytes, lives through its timers, is asked for another child
 * and ends.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ike_pair.h"

static uint8_t *pack(struct ike_sa *sa, size_t *n)
{
    uint8_t *p = malloc(IKE_RECORD_MAX);

    *n = ike_sa_pack(sa, p, IKE_RECORD_MAX);
    if (*n == 0)
        abort();
    return p;
}

/* Restored from what it is saved as, an SA is saved as the same. */
static void again(struct ike *ike, struct ike_sa *sa)
{
    struct ike_sa *twin = calloc(1, sizeof *twin);
    struct ike_numbers numbers;
    size_t n, m;
    uint8_t *p = pack(sa, &n);

    twin->ike = ike;
    if (ike_sa_unpack(ike, twin, &numbers, p, n, 0) != 0)
        abort();
    uint8_t *q = pack(twin, &m);
    if (n != m || memcmp(p, q, n) != 0)
        abort();
    ike_sa_wipe(twin);
    free(p);
    free(q);
}

static int any_line(void *ctx, uint32_t *policy, uint32_t *ifid)
{
    (void)ctx;
    (void)ifid;
    return *policy == 0 ? -ENOENT : 0;
}

static int any_numbers(void *ctx, struct ike_sa_state *s)
{
    (void)ctx;
    s->ifid = 1;
    return 0;
}

/* The same bytes from another box, whose clock is another one: passive until it is ours, and told
 * of nothing. What is refused leaves nothing behind. */
static void import(struct pair *p, uint64_t key, const uint8_t *bytes, size_t n)
{
    struct ike *ike = p->side[0].ike;
    const struct ike_import how = {.shift = -3 * USEC_PER_SEC,
                                   .line = any_line,
                                   .numbers = any_numbers};

    if (ike_import(ike, key, bytes, n, &how) != 0) {
        if (ike->passive || ike->index.n > 0)
            abort();
        return;
    }
    if (ike_import(ike, key, bytes, n, &how) != 0 || !ike->passive || ike->passive->next ||
        ike->head || timerq_next(&p->q) >= 0)
        abort();
    if (n & 1) {
        ike_forget(ike, key);
        if (ike->passive || ike->index.n > 0)
            abort();
        return;
    }
    ike_activate(ike);
    if (ike->passive)
        abort();
    p->children += ike->head ? ike->head->s.n_children : 0;
    pair_sleep(p, 1);
    if (ike->head)
        again(ike, ike->head);
    pair_sleep(p, 100);
    pair_finish(p);
}

/* A record as `data` has it; NULL: there is none. */
static uint8_t *record(struct pair *p, const uint8_t *data, size_t len, size_t *n)
{
    static const unsigned stage[] = {4, 6, 8}; /* up; a child, the SA being replaced */
    struct ike *ike = p->side[0].ike;
    uint8_t *r;

    pair_advance(p, stage[data[0] % 3]);
    if (!ike->head)
        return NULL;
    r = pack(ike->head, n);
    if (data[0] & 0x80) {
        *n = 2 + len - 1 < IKE_RECORD_MAX ? 2 + len - 1 : IKE_RECORD_MAX;
        memcpy(r + 2, data + 1, *n - 2);
    } else {
        pair_edit(r + 2, *n - 2, data + 1, len - 1);
    }
    pair_finish(p);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pair *p = pair_get();
    struct ike *ike = p->side[0].ike;
    size_t n;
    uint8_t *bytes = len ? record(p, data, len, &n) : NULL;

    if (!bytes)
        return 0;
    uint64_t key = 0;
    if (ike_restore(ike, bytes, n) == 0) {
        struct ike_path path = ike->head->s.path;
        key = ike_record_key(ike->head);
        p->children += ike->head->s.n_children;
        again(ike, ike->head);
        if (ike_restore(ike, bytes, n) != -EEXIST)
            abort();
        pair_sleep(p, 1);
        ike_initiate(ike, &path, &p->side[0].cfg);
        if (ike->head && ike->head->s.n_children > 0)
            ike_end_child(ike, ike->head->s.child[0].sa_in, IKE_R_LOCAL_DELETE);
        pair_sleep(p, 100);
    } else if (ike->head || timerq_next(&p->q) >= 0) {
        abort();
    }
    pair_finish(p);
    import(p, key, bytes, n);
    free(bytes);
    return 0;
}
