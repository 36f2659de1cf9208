/*
 * No number of an outbound SA is used twice, whichever of two boxes uses it (docs/sso.md, "Numbers
 * of packets"): with AES-GCM that would be the end of the key.
 *
 * Two datapath cores and two engines that keep the rules, with a link between them that delays and
 * breaks, over random operations: packets, datapaths killed at any moment, engines killed, boxes
 * that die, switchovers, two active boxes that do not see each other, and standbys that come back.
 * Every number that leaves either box is held against all that left before.
 */
#include <stdio.h>
#include "world.h"

static const struct combo gcm = {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true};

#define SLOT        1
#define BLOCK       48
#define SPLIT       2000u
#define NATURAL     UINT32_MAX
#define NUMBERS     (1u << 20)
#define GENERATIONS 200
#define STEPS       400

/* One box: what its engine knows. */
struct box {
    struct world *w;
    bool has;       /* the SA, and it is not lost with the box */
    bool active;    /* so does HSRP say */
    bool mate;      /* active: the standby has the SA, or is getting it */
    bool cut;       /* the link broke, and it has not seen that yet */
    uint64_t next;  /* as the datapath was told */
    uint64_t limit; /* the last number that is its own */
    uint64_t ceiling,
        told; /* active: in force; the highest that the mate may know. Standby: told */
};

enum word { LEASE, ACK, EXACT };
struct message {
    int to;
    enum word what;
    uint64_t ceiling, limit;
};

struct pair {
    struct box box[2];
    struct message link[64];
    unsigned n_link;
    bool up;
    uint32_t spi;
    uint64_t seed;
    uint8_t *used;
    uint64_t left, failovers, splits, kills; /* of all generations */
};

static uint32_t chance(struct pair *p, uint32_t n)
{
    return rnd(&p->seed) % n;
}

static uint64_t low_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- a datapath ---------------------------------------------------------------------------- */

static void say_role(const struct box *b, uint8_t r)
{
    struct sadb_role_set m;
    memset(&m, 0, sizeof m);
    m.seq = ++b->w->seq;
    m.ifid = 1;
    m.role = r;
    assert_int_equal(request(b->w, SADB_ROLE, &m, sizeof m), 0);
}

static uint64_t ceiling_said(const struct box *b)
{
    return b->ceiling >= NATURAL ? SADB_NO_CEILING : b->ceiling;
}

static void say_position(struct pair *p, struct box *b)
{
    uint8_t frame[sizeof(struct sadb_ref) + sizeof(struct sadb_position)];
    struct sadb_ref r = {.seq = ++b->w->seq, .count = 1};
    struct sadb_position m;
    memset(&m, 0, sizeof m);
    m.sa = p->spi * 2 + SADB_OUT;
    m.next = b->next;
    m.ceiling = ceiling_said(b);
    m.block = BLOCK;
    memcpy(frame, &r, sizeof r);
    memcpy(frame + sizeof r, &m, sizeof m);
    assert_int_equal(request(b->w, SADB_POSITION, frame, sizeof frame), 0);
}

static void install(struct pair *p, struct box *b, uint32_t flags, uint64_t first)
{
    struct sadb_sa m = make_sa(&gcm, SADB_OUT, true, p->spi);
    m.slot = SLOT;
    m.flags = flags | SADB_F_CEILING;
    m.seq_first = first;
    m.ceiling = ceiling_said(b);
    m.block = BLOCK;
    assert_int_equal(add(b->w, m), 0);
}

static void policy(const struct box *b)
{
    struct sadb_spd_entry e = usual();
    assert_int_equal(set_policy(b->w, 1, &e, 1, 0), 0);
}

static const struct dp_counters *memory_of(const struct box *b)
{
    return &b->w->stats->slot[SLOT];
}

/* Looks at all that left, and forgets it. */
static void collect(struct pair *p, const struct box *b)
{
    for (size_t i = 0; i < b->w->n_wire; i++) {
        const uint8_t *d = b->w->wire[i].data;
        uint32_t spi = (uint32_t)d[0] << 24 | (uint32_t)d[1] << 16 | (uint32_t)d[2] << 8 | d[3];
        uint32_t n = (uint32_t)d[4] << 24 | (uint32_t)d[5] << 16 | (uint32_t)d[6] << 8 | d[7];
        assert_int_equal(spi, p->spi);
        assert_true(n > 0 && n < NUMBERS);
        assert_int_equal(p->used[n], 0);
        p->used[n] = 1;
        p->left++;
    }
    assert_true(b->active || !b->w->n_wire);
    world_clear(b->w);
}

/* A new datapath over the memory of the killed one; its engine tells it what it knows. */
static void kill_datapath(struct pair *p, struct box *b)
{
    struct log log = {.who = "test", .level = LOGL_ERROR, .fd = -1};
    struct world *w = b->w;
    collect(p, b);
    dp_free(w->dp);
    w->dp = dp_new(clock_manual(&w->time), &log, crypto_new(CRYPTO_AUTO), &world_io, w);
    assert_non_null(w->dp);
    dp_set_stats(w->dp, w->stats);
    say_role(b, b->active ? SADB_ROLE_ACTIVE : SADB_ROLE_PASSIVE);
    policy(b);
    if (b->has)
        install(p, b, SADB_F_RESUME, chance(p, 2) ? b->next : 0); /* the memory knows it, too */
    p->kills++;
}

/* --- the rules ----------------------------------------------------------------------------- */

static void tell(struct pair *p, const struct box *from, enum word what, uint64_t ceiling)
{
    if (p->up && p->n_link < 64)
        p->link[p->n_link++] = (struct message){.to = from == &p->box[0],
                                                .what = what,
                                                .ceiling = ceiling,
                                                .limit = from->limit};
}

static void low(struct pair *p, struct box *b)
{
    if (!b->active || !b->mate || b->told > b->ceiling || b->ceiling >= b->limit)
        return;
    b->told = low_of(b->ceiling + BLOCK, b->limit);
    tell(p, b, LEASE, b->told);
}

/* Nobody knows what the mate does: it may own SPLIT numbers behind the highest it may know of. */
static void lose_mate(struct pair *p, struct box *b)
{
    b->mate = false;
    if (b->told >= b->limit || b->limit - b->told <= SPLIT) {
        b->limit = b->ceiling;
        return;
    }
    b->next = b->told + SPLIT + 1;
    b->ceiling = b->limit;
    say_position(p, b);
    p->splits++;
}

static void take_over(struct pair *p, struct box *b)
{
    b->limit = low_of(b->limit, b->told + SPLIT);
    b->ceiling = b->limit;
    b->next = b->told + 1;
    b->active = true;
    b->mate = false;
    say_position(p, b);
    say_role(b, SADB_ROLE_ACTIVE);
    p->failovers++;
    if (chance(p, 4)) /* before it has used any number itself */
        kill_datapath(p, b);
}

static void lose_all(struct pair *p, struct box *b)
{
    struct sadb_ref all = {.seq = ++b->w->seq};
    say_role(b, SADB_ROLE_PASSIVE);
    collect(p, b);
    assert_int_equal(request(b->w, SADB_FLUSH, &all, sizeof all), 0);
    b->has = b->active = b->mate = b->cut = false;
}

static void cut(struct pair *p)
{
    if (!p->up)
        return;
    p->up = false;
    p->n_link = 0;
    p->box[0].cut = p->box[1].cut = true;
}

static void traffic(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        struct box *b = &p->box[i];
        from_host(b->w, "10.10.10.1", "192.168.10.1", 1 + chance(p, 16), 60);
        bool asked = world_count(b->w, SADB_LEASE) > 0;
        collect(p, b);
        if (asked)
            low(p, b);
    }
}

/* The link is there again, and one of the two is active: the other gets everything. A ceiling where
 * none was counts from when it is in force; packets pass until then. */
static void join(struct pair *p, struct box *active, struct box *other)
{
    if (p->up || !active->active || active->cut || other->active)
        return;
    lose_all(p, other);
    p->up = true;
    p->n_link = 0;
    active->mate = true;
    do {
        uint64_t used = dp_read(&memory_of(active)->seq);
        if (used + 1 >= active->limit)
            active->ceiling = active->limit;
        else
            active->ceiling = low_of(used + BLOCK, active->limit);
        for (uint32_t n = chance(p, 8); n; n--)
            traffic(p);
        say_position(p, active);
        collect(p, active);
    } while (active->ceiling < active->limit && dp_read(&memory_of(active)->seq) > active->ceiling);
    active->told = active->ceiling;
    tell(p, active, LEASE, active->told);
}

static void deliver(struct pair *p)
{
    if (!p->n_link)
        return;
    struct message m = p->link[0];
    struct box *b = &p->box[m.to];
    memmove(p->link, p->link + 1, --p->n_link * sizeof m);
    switch (m.what) {
    case ACK:
        if (b->active && b->mate && m.ceiling > b->ceiling) {
            b->ceiling = m.ceiling;
            say_position(p, b);
            collect(p, b); /* what waited */
        }
        break;
    case EXACT:
    case LEASE:
        b->told = m.ceiling;
        b->limit = m.limit;
        b->next = m.ceiling + 1;
        b->ceiling = 0;
        if (!b->has)
            install(p, b, 0, b->next);
        else
            say_position(p, b);
        b->has = true;
        if (m.what == LEASE) {
            tell(p, b, ACK, m.ceiling);
            break;
        }
        b->ceiling = b->limit; /* handed over: all that is left is ours */
        b->active = true;
        say_position(p, b);
        say_role(b, SADB_ROLE_ACTIVE);
        collect(p, b);
        p->failovers++;
        cut(p);
        b->cut = false;
        break;
    }
}

/* The active fences, tells the exact number, and is a box without SAs. */
static void switchover(struct pair *p, struct box *from, struct box *to)
{
    if (!p->up || !from->active || !from->mate || !to->has || p->n_link == 64)
        return;
    say_role(to, SADB_ROLE_HOLD);
    say_role(from, SADB_ROLE_PASSIVE);
    uint64_t exact = dp_read(&memory_of(from)->seq);
    traffic(p);
    tell(p, from, EXACT, exact);
    lose_all(p, from);
}

static void new_engine(struct pair *p, struct box *b)
{
    bool was = b->active && b->has && b->mate;
    cut(p);
    b->cut = false;
    if (!was)
        return;
    b->ceiling = low_of(dp_read(&memory_of(b)->ceiling), b->limit);
    b->told = low_of(b->ceiling + BLOCK, b->limit);
    lose_mate(p, b);
}

static void notice(struct pair *p, struct box *b)
{
    if (!b->cut)
        return;
    b->cut = false;
    if (b->active && b->mate)
        lose_mate(p, b);
    else if (!b->active && b->has && chance(p, 3))
        take_over(p, b); /* whether the other one lives or not */
}

static void die(struct pair *p, struct box *b)
{
    lose_all(p, b);
    cut(p);
    b->cut = false;
}

static void step(struct pair *p)
{
    struct box *b = &p->box[chance(p, 2)], *o = &p->box[b == &p->box[0]];
    uint32_t what = chance(p, 100);
    if (what < 50)
        traffic(p);
    else if (what < 75)
        deliver(p);
    else if (what < 80)
        kill_datapath(p, b);
    else if (what < 82)
        cut(p);
    else if (what < 90)
        notice(p, b);
    else if (what < 91 && o->has)
        die(p, b);
    else if (what < 92)
        new_engine(p, b);
    else if (what < 94)
        switchover(p, b, o);
    else if (what < 96 && b->active && o->active)
        die(p, b); /* they see each other again: one reloads itself */
    else
        join(p, b, o);
}

static void generation(struct pair *p, uint32_t spi)
{
    struct box *a = &p->box[0];
    memset(p->used, 0, NUMBERS);
    for (int i = 0; i < 2; i++)
        lose_all(p, &p->box[i]);
    p->up = false;
    p->n_link = 0;
    p->spi = spi;
    a->limit = a->ceiling = NATURAL;
    a->next = 0;
    a->told = 0;
    install(p, a, 0, 0);
    a->has = a->active = true;
    say_role(a, SADB_ROLE_ACTIVE);
    for (int i = 0; i < STEPS; i++)
        step(p);
}

static void no_number_comes_twice(void **state)
{
    (void)state;
    struct pair p = {.seed = 20261121, .used = malloc(NUMBERS)};
    assert_non_null(p.used);
    for (int i = 0; i < 2; i++) {
        p.box[i].w = world_new();
        policy(&p.box[i]);
        p.box[i].ceiling = NATURAL;
    }
    for (uint32_t g = 0; g < GENERATIONS; g++)
        generation(&p, 5000 + g);
    /* it was about something */
    assert_true(p.left > 10000 && p.failovers > GENERATIONS && p.splits > GENERATIONS);
    assert_true(p.kills > GENERATIONS);
    for (int i = 0; i < 2; i++)
        world_free(p.box[i].w);
    free(p.used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_number_comes_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
