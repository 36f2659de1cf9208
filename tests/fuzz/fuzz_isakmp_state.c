/*
 * What an engine finds in its journal of IKEv1: bytes that may be anything. As fuzz_state.c.
 *
 * What is refused leaves nothing behind. What is taken over is an SA or a shell like any other: it
 * is saved, restored elsewhere and saved again to the same bytes, lives through its timers, is
 * asked for another child and ends.
 */
#include "control/isakmp/internal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/isakmp_pair.h"

#define NUMBERS 18 /* version, and where its engine's counters are: another's are its own */

static uint8_t *pack(struct isk_sa *sa, size_t *n)
{
    uint8_t *p = malloc(ISK_RECORD_MAX);

    *n = isk_sa_pack(sa, p, ISK_RECORD_MAX);
    if (*n < NUMBERS)
        abort();
    return p;
}

static void again(struct pair *pair, struct isk_sa *sa)
{
    struct isakmp *other = pair->side[1].k;
    size_t n, m;
    uint8_t *p = pack(sa, &n), *q;

    if (isakmp_restore(other, p, n) != 0)
        abort();
    pair->children += other->head->s.n_children;
    q = pack(other->head, &m);
    if (n != m || memcmp(p + NUMBERS, q + NUMBERS, n - NUMBERS) != 0)
        abort();
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
    struct isakmp *k = p->side[0].k;
    const struct ike_import how = {.shift = -3 * USEC_PER_SEC,
                                   .line = any_line,
                                   .numbers = any_numbers};

    if (isakmp_import(k, key, bytes, n, &how) != 0) {
        if (k->passive || k->index.n > 0)
            abort();
        return;
    }
    if (isakmp_import(k, key, bytes, n, &how) != 0 || !k->passive || k->passive->next || k->head ||
        timerq_next(&p->q) >= 0)
        abort();
    if (n & 1) {
        isakmp_forget(k, key);
        if (k->passive || k->index.n > 0)
            abort();
        return;
    }
    isakmp_activate(k);
    if (k->passive)
        abort();
    p->children += k->head ? k->head->s.n_children : 0;
    pair_sleep(p, 1);
    if (k->head && k->head->s.established)
        again(p, k->head);
    pair_sleep(p, 100);
    pair_finish(p);
}

static uint8_t *record(struct pair *p, const uint8_t *data, size_t len, size_t *n)
{
    static const unsigned stage[] = {8, 9, 10}; /* quick mode under way; up; a shell */
    struct isakmp *k = p->side[data[0] >> 6 & 1].k;
    uint8_t *r;

    pair_advance(p, stage[data[0] % 3]);
    if (!k->head || (k->head->s.state != IKE_ESTABLISHED && k->head->s.state != IKE_IDLE))
        abort();
    r = pack(k->head, n);
    if (data[0] & 0x80) {
        *n = 2 + len - 1 < ISK_RECORD_MAX ? 2 + len - 1 : ISK_RECORD_MAX;
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
    struct isakmp *k = p->side[0].k;
    size_t n;

    if (len == 0)
        return 0;
    uint8_t *bytes = record(p, data, len, &n);
    uint64_t key = 0;
    if (isakmp_restore(k, bytes, n) == 0) {
        struct ike_path path = k->head->s.path;
        key = isk_record_key(k->head);
        p->children += k->head->s.n_children;
        again(p, k->head);
        if (isakmp_restore(k, bytes, n) != -EEXIST)
            abort();
        pair_sleep(p, 1);
        isakmp_initiate(k, &path, &p->side[0].cfg);
        if (k->head && k->head->s.n_children > 0)
            isakmp_end_child(k, k->head->s.child[0].sa_in, IKE_R_LOCAL_DELETE);
        pair_sleep(p, 100);
    } else if (k->head || timerq_next(&p->q) >= 0) {
        abort();
    }
    pair_finish(p);
    import(p, key, bytes, n);
    free(bytes);
    return 0;
}
