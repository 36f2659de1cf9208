/*
 * What an SA is on another box: a router that is active, with an SA whose other end is an engine of
 * the tests of IKE, and the router beside it, with another clock and other numbers.
 */
#include "bench.h"
#include "control/crypto/dynamic.h"
#include "control/sso/copy.h"
#include "control/sso/sso_priv.h"
#include "control/journal.h"
#include "tests/unit/ike/sim.h"

#include <sys/mman.h>

#define VIP     "192.0.2.100"
#define RECORDS 16

struct record {
    enum sso_kind kind;
    uint64_t key;
    uint8_t p[4096];
    size_t n;
};

struct pair {
    struct bench *a, *b;
    struct mirror *m; /* of b */
    struct sim *sim;  /* who made the SA */
    struct record r[RECORDS];
    size_t n;
    int journal; /* of b */
};

/* --- two routers --------------------------------------------------------------------------------
 */

static struct wish stateful(void)
{
    struct wish w = seed_wish();
    w.redundancy = "HA";
    w.vip = VIP;
    w.stateful = true;
    return w;
}

static const struct hsrp_group *group(struct bench *b)
{
    return hsrp_named_on(b->c, "GigabitEthernet0/0", "HA");
}

static void configure(struct bench *b, const struct wish *w)
{
    bench_link(b, "eth0", true, 1500);
    bench_link(b, "eth1", true, 1500);
    control_set_ports(b->c, "GigabitEthernet0/0 eth0\nGigabitEthernet0/1 eth1\n", false);
    wish_apply(b, w);
}

static void until_active(struct bench *b)
{
    for (unsigned i = 0; i < 60 && group(b)->state != HSRP_ACTIVE; i++)
        pass(b, 1);
    assert_int_equal(group(b)->state, HSRP_ACTIVE);
    control_reconcile(b->c); /* the kernel tells of the address */
    settle(b);
}

/* An SA with the peer, as an engine of router A would have made it. */
static void make_sa(struct pair *t)
{
    struct sim *s = t->sim = sim_new(1, DH_X25519);
    struct sim_node *n = &s->node[0];
    n->addr = adr(VIP);
    n->handles = WANTED_SHARED;
    n->entry[0].cfg.policy = policy_of(t->a);
    n->entry[0].cfg.ifid = 1;
    s->time.mono_us = t->a->t.mono_us;
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(n->n_record, 1);
    t->a->t.mono_us = s->time.mono_us;
}

static struct sadb_sa half(const struct pair *t, bool in)
{
    const struct sim_child *k = &t->sim->node[0].child[0];
    struct sadb_sa m;
    memset(&m, 0, sizeof(m));
    m.sa = in ? k->sa_in : k->sa_in + 1;
    m.dir = in ? SADB_IN : SADB_OUT;
    m.ifid = 1;
    m.policy = policy_of(t->a);
    m.slot = slot_take(&t->a->c->ids);
    m.spi = in ? k->spi_in : k->spi_out;
    m.proto = SADB_ESP;
    m.mode = SADB_TUNNEL;
    m.encr = k->encr[!in];
    m.integ = k->integ[!in];
    m.local = adr(VIP);
    m.remote = adr("203.0.113.1");
    m.replay_window = 64;
    m.seq_first = 1;
    m.n_ts = 1;
    m.ts[0] = k->ts;
    return m;
}

static void collect(void *ctx, enum sso_kind kind, uint64_t key, const void *p, size_t n)
{
    struct pair *t = (struct pair *)ctx;
    assert_true(t->n < RECORDS && n <= sizeof(t->r[0].p));
    struct record *r = &t->r[t->n++];
    r->kind = kind;
    r->key = key;
    r->n = n;
    memcpy(r->p, p, n);
}

static void look_at(struct pair *t, struct bench *b)
{
    t->n = 0;
    mirror_each(b->c, collect, t);
}

static int pair_up(void **state)
{
    struct pair *t = (struct pair *)calloc(1, sizeof(*t));
    struct wish w = stateful();
    assert_non_null(t);
    bench_up((void **)&t->a);
    bench_up((void **)&t->b);
    t->journal = memfd_create("journal", MFD_CLOEXEC);
    assert_int_equal(ftruncate(t->journal, JOURNAL_SIZE), 0);
    adopt_journal(t->b->c, dup(t->journal));
    configure(t->a, &w);
    until_active(t->a);
    t->b->t.mono_us = 20 * USEC_PER_SEC; /* it came up just now … */
    t->b->c->ids.last_policy = 40;       /* … and gives other numbers */
    (void)slot_take(&t->b->c->ids);
    configure(t->b, &w);
    make_sa(t);
    for (int in = 1; in >= 0; in--) {
        struct sadb_sa m = half(t, in);
        assert_int_equal(wanted_add(t->a->c, &m), 0);
    }
    const struct sim_record *r = &t->sim->node[0].record[0];
    assert_int_equal(ike_restore(t->a->c->ike, r->p, r->n), 0);
    t->m = mirror_new(t->b->c);
    assert_non_null(t->m);
    look_at(t, t->a);
    *state = t;
    return 0;
}

static int pair_down(void **state)
{
    struct pair *t = (struct pair *)*state;
    mirror_free(t->m);
    bench_down((void **)&t->a);
    bench_down((void **)&t->b);
    sim_free(t->sim);
    close(t->journal);
    free(t);
    return 0;
}

static int64_t shift(const struct pair *t)
{
    return t->b->t.mono_us - t->a->t.mono_us;
}

static int give(struct pair *t, const struct record *r)
{
    return mirror_take(t->m, r->kind, r->key, r->p, r->n, shift(t));
}

static void give_all(struct pair *t)
{
    mirror_begin(t->m);
    for (size_t i = 0; i < t->n; i++)
        assert_int_equal(give(t, &t->r[i]), 0);
    mirror_end(t->m);
    settle(t->b);
}

static struct record *of_kind(struct pair *t, enum sso_kind kind)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->r[i].kind == kind)
            return &t->r[i];
    fail_msg("no record of kind %d", (int)kind);
    abort();
}

static void count_one(void *ctx, uint64_t key, const uint8_t *p, size_t n)
{
    (void)key;
    (void)p;
    (void)n;
    ++*(unsigned *)ctx;
}

static unsigned kept(const struct bench *b, enum journal_kind kind)
{
    unsigned n = 0;
    journal_each(b->c->journal, kind, count_one, &n);
    return n;
}

static const struct ike_sa_state *the_sa(struct bench *b)
{
    const struct ike_sa_state *sa = NULL;
    query_ike_sas(b->c, first_sa, &sa);
    return sa;
}

static bool is_taken(const struct bench *b, uint32_t slot)
{
    return b->c->ids.slots[slot / 64] >> slot % 64 & 1;
}

/* Nothing of the other box is left. */
static void nothing(const struct pair *t)
{
    uint32_t n[SSO_KINDS];
    mirror_count(t->m, n);
    assert_int_equal(n[SSO_SA] + n[SSO_IKE] + n[SSO_ISAKMP], 0);
    assert_null(the_sa(t->b));
    assert_int_equal(t->b->c->wanted.n, 0);
}

/* --- tests --------------------------------------------------------------------------------------
 */

/* Lines before SAs before IKE SAs. */
static void the_active_tells_all(void **state)
{
    struct pair *t = (struct pair *)*state;
    static const enum sso_kind want[] = {SSO_NUMBERS, SSO_LINE, SSO_SA, SSO_SA, SSO_IKE};
    assert_int_equal(t->n, 5);
    for (size_t i = 0; i < t->n; i++)
        assert_int_equal(t->r[i].kind, want[i]);
}

static void the_standby_has_it_under_its_own_numbers(void **state)
{
    struct pair *t = (struct pair *)*state;
    uint32_t n[SSO_KINDS];
    forget_frames(t->b);
    give_all(t);
    mirror_count(t->m, n);
    assert_true(n[SSO_LINE] == 1 && n[SSO_SA] == 2 && n[SSO_IKE] == 1 && n[SSO_ISAKMP] == 0);
    for (uint32_t i = 1; i <= 2; i++) {
        const struct wanted_sa *w = wanted_find(t->b->c, WANTED_SHARED + i);
        const struct wanted_sa *of = wanted_find(t->a->c, WANTED_SHARED + i);
        assert_true(w && of && w->passive);
        assert_int_equal(w->m.policy, policy_of(t->b));
        assert_int_not_equal(w->m.policy, of->m.policy);
        assert_int_not_equal(w->m.slot, of->m.slot);
        assert_true(is_taken(t->b, w->m.slot));
        assert_int_equal(w->m.spi, of->m.spi);
        assert_memory_equal(w->m.encr.key, of->m.encr.key, SADB_KEY_MAX);
        assert_int_equal(w->m.ceiling, 0);
        assert_int_equal((w->m.flags & SADB_F_CEILING) != 0, w->m.dir == SADB_OUT);
    }
    assert_int_equal(TOLD(t->b, SADB_ADD), 2);
    const struct ike_sa_state *sa = the_sa(t->b), *of = the_sa(t->a);
    assert_true(sa && sa->passive && !of->passive);
    assert_int_equal(sa->tunnel_id, of->tunnel_id);
    assert_int_equal(sa->established - t->b->t.mono_us, of->established - t->a->t.mono_us);
    assert_int_equal(sa->child[0].expires - t->b->t.mono_us,
                     of->child[0].expires - t->a->t.mono_us);
    assert_int_equal(sa->child[0].policy, policy_of(t->b));
    assert_int_equal(sa->child[0].slot_in, wanted_find(t->b->c, sa->child[0].sa_in)->m.slot);
    /* an engine that follows here claims nothing of it */
    assert_int_equal(kept(t->b, JOURNAL_SA) + kept(t->b, JOURNAL_IKE), 0);
}

/* The same again changes nothing; what a bulk does not bring goes. */
static void a_bulk_is_all_there_is(void **state)
{
    struct pair *t = (struct pair *)*state;
    give_all(t);
    uint32_t slot = wanted_find(t->b->c, WANTED_SHARED + 1)->m.slot;
    forget_frames(t->b);
    give_all(t);
    assert_int_equal(TOLD(t->b, SADB_ADD) + TOLD(t->b, SADB_DELETE), 0);
    t->n = 2; /* the line is left */
    give_all(t);
    nothing(t);
    assert_int_equal(TOLD(t->b, SADB_DELETE), 2);
    assert_false(is_taken(t->b, slot));
}

static void what_is_removed_goes(void **state)
{
    struct pair *t = (struct pair *)*state;
    give_all(t);
    for (size_t i = t->n; i-- > 1;)
        assert_int_equal(mirror_take(t->m, t->r[i].kind, t->r[i].key, NULL, 0, shift(t)), 0);
    nothing(t);
    give_all(t);
    mirror_purge(t->m);
    nothing(t);
}

static void without_its_line_there_is_nothing(void **state)
{
    struct pair *t = (struct pair *)*state;
    struct wish w = stateful();
    w.deny_first = true; /* other lines than A's */
    w.lines = 0;
    wish_apply(t->b, &w);
    for (size_t i = 1; i < t->n; i++)
        assert_int_equal(give(t, &t->r[i]), -ENOENT);
    nothing(t);
    w = stateful();
    w.stateful = false;
    wish_apply(t->b, &w);
    assert_int_equal(give(t, of_kind(t, SSO_LINE)), -ENOENT);
}

/* The peer says hello, with so many sections that this box has not. */
static void hello(struct sso_sync *sync, unsigned n)
{
    struct sso_message m = {.type = SSO_HELLO, .epoch = 1};
    uint8_t bytes[512];
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    m.hello.state = RF_ACTIVE;
    m.hello.n_section = (uint8_t)n;
    strcpy(m.hello.section[0].name, "isakmp key");
    assert_int_equal(sso_wire_write(&w, &m), 0);
    sso_sync_input(sync, SSO_STREAM_CONTROL, bytes, w.len);
}

static void when_its_line_goes_it_goes(void **state)
{
    struct pair *t = (struct pair *)*state;
    struct wish w = stateful();
    give_all(t);
    w.deny_first = true;
    w.lines = 0;
    wish_apply(t->b, &w);
    nothing(t);
    w = stateful();
    wish_apply(t->b, &w);
    give_all(t);
    assert_non_null(the_sa(t->b));
    w.psk = NULL;
    wish_apply(t->b, &w);
    assert_null(the_sa(t->b));
}

/* What the configuration here loses is asked for again when it is back. */
static void when_its_line_comes_back(void **state)
{
    struct pair *t = (struct pair *)*state;
    struct sso *s = t->b->c->sso;
    struct wish w = stateful();
    give_all(t);
    settle(t->b);
    assert_string_equal(s->why, ""); /* nothing was missing */
    w.map = false;
    wish_apply(t->b, &w);
    nothing(t);
    assert_string_equal(s->why, "");
    w.map = true;
    wish_apply(t->b, &w);
    assert_string_equal(s->why, "all is asked for anew");
    give_all(t);
    assert_non_null(the_sa(t->b));
    s->why[0] = '\0';
    wish_apply(t->b, &w);
    assert_string_equal(s->why, "");
}

/* The same of its key: that both are configured alike again says so. */
static void when_its_key_comes_back(void **state)
{
    struct pair *t = (struct pair *)*state;
    struct sso *s = t->b->c->sso;
    struct wish w = stateful();
    give_all(t);
    sso_sync_up(s->sync);
    hello(s->sync, 1);
    w.psk = NULL;
    wish_apply(t->b, &w);
    assert_null(the_sa(t->b));
    settle(t->b);
    assert_string_equal(s->why, "");
    w.psk = "cisco";
    wish_apply(t->b, &w);
    assert_string_equal(s->why, "");
    hello(s->sync, 0);
    pass(t->b, 11); /* it is told every ten seconds */
    assert_string_equal(s->why, "all is asked for anew");
}

static void positions_are_told(void **state)
{
    struct pair *t = (struct pair *)*state;
    give_all(t);
    forget_frames(t->b);
    copy_position(t->b->c, WANTED_SHARED + 2, 1001, SADB_NO_CEILING);
    settle(t->b);
    assert_int_equal(TOLD(t->b, SADB_POSITION), 1);
    assert_int_equal(wanted_find(t->b->c, WANTED_SHARED + 2)->m.seq_first, 1001);
    /* and to the next datapath, too */
    forget_frames(t->b);
    bench_datapath(t->b);
    settle(t->b);
    unsigned added = 0;
    for (size_t i = 0; i < t->b->n_told; i++) {
        struct sadb_sa m;
        if (t->b->told[i].type != SADB_ADD)
            continue;
        memcpy(&m, t->b->told[i].data, sizeof(m));
        added++;
        if (m.dir == SADB_OUT)
            assert_int_equal(m.seq_first, 1001);
    }
    assert_int_equal(added, 2);
}

/* A's SAs are so far now. */
static void moves_to(const struct pair *t, uint64_t next, uint64_t bytes)
{
    for (uint32_t i = 1; i <= 2; i++) {
        struct wanted_sa *w = wanted_find(t->a->c, WANTED_SHARED + i);
        w->m.hard_bytes = UINT64_C(1) << 30;
        w->m.bytes_before = bytes;
        w->m.seq_first = next;
    }
}

/* Who comes late, or for the second time, begins where SAs stand, and not at their beginning: else
 * all that the peer has sent could be sent once more. */
static void a_bulk_tells_where_they_stand(void **state)
{
    struct pair *t = (struct pair *)*state;
    static const uint64_t next[] = {501, 901, 701}; /* never back */
    static const uint64_t bytes[] = {1 << 20, 5 << 20, 2 << 20};
    for (unsigned i = 0; i < 3; i++) {
        moves_to(t, next[i], bytes[i]);
        look_at(t, t->a);
        forget_frames(t->b);
        give_all(t);
        const struct wanted_sa *in = wanted_find(t->b->c, WANTED_SHARED + 1);
        const struct wanted_sa *out = wanted_find(t->b->c, WANTED_SHARED + 2);
        assert_true(in->m.dir == SADB_IN && out->m.dir == SADB_OUT);
        assert_int_equal(in->m.seq_first, next[i < 2 ? i : 1]);
        assert_int_equal(out->m.seq_first, 1); /* its lease says */
        assert_int_equal(out->m.ceiling, 0);
        assert_true(in->m.bytes_before > bytes[i] && out->m.bytes_before > bytes[i]);
        assert_true(in->m.bytes_before <= bytes[i < 2 ? i : 1] + (4 << 20));
        assert_int_equal(TOLD(t->b, SADB_POSITION), i > 0); /* the first came with the SA */
    }
    struct record bad = *of_kind(t, SSO_SA);
    struct sadb_sa m;
    memcpy(&m, bad.p, bad.n);
    m.seq_first = UINT64_C(1) << 33; /* its numbers have 32 bits */
    memcpy(bad.p, &m, bad.n);
    assert_int_equal(give(t, &bad), -EINVAL);
}

static void the_standby_goes_on(void **state)
{
    struct pair *t = (struct pair *)*state;
    size_t n = t->n;
    give_all(t);
    forget_frames(t->b);
    mirror_activate(t->m, true);
    settle(t->b);
    const struct identity *id = t->b->c->ids.by_policy[0];
    const struct ike_sa_state *sa = the_sa(t->b);
    assert_non_null(sa);
    assert_false(sa->passive);
    assert_int_equal(sa->n_children, 1);
    assert_int_equal(id->sa_in, WANTED_SHARED + 1);
    assert_int_equal(id->sa_out, WANTED_SHARED + 2);
    /* the datapath needs to hear nothing */
    assert_int_equal(TOLD(t->b, SADB_ADD) + TOLD(t->b, SADB_DELETE), 0);
    assert_int_equal(kept(t->b, JOURNAL_SA), 2);
    assert_int_equal(kept(t->b, JOURNAL_IKE), 1);
    look_at(t, t->b);
    assert_int_equal(t->n, n);
    /* a purge does not touch it, and its next child gets the next handle */
    mirror_purge(t->m);
    assert_non_null(the_sa(t->b));
    struct ike_child_state k = {.ifid = 1};
    control_ike_host.child_alloc(t->b->c, &k);
    assert_int_equal(k.sa_in, WANTED_SHARED + 3);
}

/* The box died after an SA had gone and before the IKE SA that had it as a child told so. */
static void a_child_without_its_sa_ends(void **state)
{
    struct pair *t = (struct pair *)*state;
    give_all(t);
    assert_int_equal(mirror_take(t->m, SSO_SA, WANTED_SHARED + 2, NULL, 0, 0), 0);
    mirror_activate(t->m, true);
    settle(t->b);
    assert_int_equal(t->b->c->wanted.n, 0);
    assert_int_equal(the_sa(t->b)->n_children, 0);
    assert_int_equal(t->b->c->ids.by_policy[0]->sa_in, 0);
}

static void an_sa_without_a_child_goes(void **state)
{
    struct pair *t = (struct pair *)*state;
    give_all(t);
    const struct record *r = of_kind(t, SSO_IKE);
    assert_int_equal(mirror_take(t->m, r->kind, r->key, NULL, 0, 0), 0);
    mirror_activate(t->m, true);
    settle(t->b);
    assert_int_equal(t->b->c->wanted.n, 0);
    assert_null(the_sa(t->b));
}

/* Before the other box knows of them, tunnels are made anew, and when it is not to any more. */
static void what_becomes_one_boxs_own_begins_anew(void **state)
{
    struct pair *t = (struct pair *)*state;
    struct wish w = stateful();
    assert_int_equal(the_sa(t->a)->n_children, 1);
    wish_apply(t->a, &w);
    assert_int_equal(the_sa(t->a)->n_children, 1);
    w.stateful = false;
    wish_apply(t->a, &w);
    assert_int_equal(the_sa(t->a)->n_children, 0);
}

/* What a peer got by a template of A's is a line of B's before B has an SA of its own for it. */
static void lines_of_templates(void **state)
{
    struct pair *t = (struct pair *)*state;
    struct wish w = stateful();
    struct selector want = sel("10.10.10.0", 24, "192.168.10.0", 25);
    w.templ = true;
    wish_apply(t->a, &w);
    wish_apply(t->b, &w);
    const struct port *p = ports_by_ifid(&t->a->c->ports, 1);
    assert_non_null(dynamic_identity(t->a->c, p, &p->ifp->map->entry[0], &want));
    look_at(t, t->a);
    const struct record *line = of_kind(t, SSO_LINE) + 1; /* behind that of the list */
    assert_int_equal(line->kind, SSO_LINE);
    unsigned before = kept(t->b, JOURNAL_IDENTITY);
    assert_int_equal(give(t, line), 0);
    settle(t->b);
    assert_int_equal(t->b->c->ids.n_dynamic, 1);
    const struct identity *id = t->b->c->ids.by_policy[t->b->c->ids.n - 1];
    assert_true(id->live && selector_cmp(&id->sel, &want) == 0);
    assert_int_equal(t->b->c->shadow[1].spd[0].policy, id->policy);
    assert_int_equal(kept(t->b, JOURNAL_IDENTITY), before);
    assert_int_equal(mirror_take(t->m, SSO_LINE, line->key, NULL, 0, 0), 0);
    settle(t->b);
    assert_int_equal(t->b->c->ids.n_dynamic, 0);
    /* and there is none where the template does not allow it */
    w.templ = false;
    wish_apply(t->b, &w);
    assert_int_equal(give(t, line), -ENOENT);
}

/* Every record cut short, and with each byte changed: refused, or taken as something that can be.
 */
static void records_that_lie(void **state)
{
    struct pair *t = (struct pair *)*state;
    unsigned refused = 0;
    for (size_t i = 0; i < t->n; i++) {
        struct record r = t->r[i];
        for (r.n = 1; r.n < t->r[i].n; r.n++)
            assert_true(give(t, &r) < 0);
        for (size_t at = 0; at < r.n; at++) {
            r = t->r[i];
            r.p[at] ^= 0xff;
            int err = give(t, &r);
            assert_true(err == 0 || err == -EPROTO || err == -EINVAL || err == -ENOENT);
            refused += err != 0;
        }
        assert_true(r.kind == SSO_NUMBERS || give(t, &t->r[i]) == 0);
    }
    assert_true(refused > 100);
    assert_int_equal(mirror_take(t->m, SSO_KINDS, 1, t->r[0].p, t->r[0].n, 0), -EPROTO);
    assert_int_equal(mirror_take(t->m, 0, 1, t->r[0].p, t->r[0].n, 0), -EPROTO);
    settle(t->b);
}

/* A line under numbers without end, and SAs: there is room for so many. */
static void records_without_end(void **state)
{
    struct pair *t = (struct pair *)*state;
    struct record r = *of_kind(t, SSO_LINE);
    give_all(t);
    unsigned taken = 0;
    for (r.key = 1; r.key <= MIRROR_RECORDS + 100; r.key++) {
        int err = give(t, &r);
        assert_true(err == 0 || err == -ENOSPC);
        taken += err == 0;
    }
    assert_in_range(taken, MIRROR_RECORDS - 100, MIRROR_RECORDS);
    r.n = 0; /* what goes makes room */
    r.key = 1;
    assert_int_equal(give(t, &r), 0);
    r = *of_kind(t, SSO_LINE);
    r.key = MIRROR_RECORDS + 100;
    assert_int_equal(give(t, &r), 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, pair_up, pair_down)
    const struct CMUnitTest tests[] = {
        TEST(the_active_tells_all),
        TEST(the_standby_has_it_under_its_own_numbers),
        TEST(a_bulk_is_all_there_is),
        TEST(what_is_removed_goes),
        TEST(without_its_line_there_is_nothing),
        TEST(when_its_line_goes_it_goes),
        TEST(when_its_line_comes_back),
        TEST(when_its_key_comes_back),
        TEST(positions_are_told),
        TEST(a_bulk_tells_where_they_stand),
        TEST(the_standby_goes_on),
        TEST(a_child_without_its_sa_ends),
        TEST(an_sa_without_a_child_goes),
        TEST(what_becomes_one_boxs_own_begins_anew),
        TEST(lines_of_templates),
        TEST(records_that_lie),
        TEST(records_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
