/* An SA as bytes: every field there and back, and bytes that lie. */
#include "crash.h"
#include "lib/mem.h"

/* Every byte of memory different, but where a value must be possible. */
static void fill(void *p, size_t n, uint8_t first)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)(first + i * 7 + 1);
}

static struct ike_child_state some_child(uint32_t i)
{
    struct ike_child_state c = {.policy = 1 + i,
                                .ifid = 2,
                                .sa_in = 30 + i,
                                .sa_out = 60 + i,
                                .slot_in = 90 + i,
                                .slot_out = 120 + i,
                                .spi_in = 1000 + i,
                                .spi_out = 2000 + i,
                                .encr = ENCR_AES_GCM16,
                                .encr_bits = 256,
                                .integ = INTEG_NONE,
                                .pfs_group = DH_ECP384,
                                .mode = i & 1 ? SADB_TRANSPORT : SADB_TUNNEL,
                                .esn = i & 1,
                                .udp = i & 2,
                                .initiator = i & 4,
                                .life_seconds = 3600 + i,
                                .life_kbytes = UINT64_C(1) << 40 | i,
                                .created = 5 * SEC + i,
                                .expires = 6 * SEC + i,
                                .rekey_at = 7 * SEC + i,
                                .replaces = 3000 + i,
                                .replaced_by = 4000 + i,
                                .leaving = (uint8_t)(i % 3),
                                .conn_id = 77 + i,
                                .n_ts = 1 + i % SADB_TS_MAX,
                                .map_seq = 10 + i};
    snprintf(c.map, sizeof c.map, "MAP-%u", i);
    for (uint32_t t = 0; t < c.n_ts; t++) {
        c.ts[t] = sim_selector("10.1.2.0", "10.9.0.0", 16 + t % 8);
        c.ts[t].proto = (uint8_t)(6 + t);
        c.ts[t].lport[0] = (uint16_t)(t + 1);
        c.ts[t].rport[1] = (uint16_t)(t + 100);
    }
    return c;
}

static void set_keys(struct ike_keys *k)
{
    fill(k->sk_d, 32, 1);
    fill(k->sk_ai, 32, 2);
    fill(k->sk_ar, 32, 3);
    fill(k->sk_ei, 32, 4);
    fill(k->sk_er, 32, 5);
    fill(k->sk_pi, 32, 6);
    fill(k->sk_pr, 32, 7);
}

static void add_child(struct ike_sa_state *s, uint32_t i)
{
    assert_int_equal(ike_child_room(s), 0);
    s->child[s->n_children++] = some_child(i);
}

/* An SA of ike that is in no list, with something in each field. */
static struct ike_sa *some_sa(struct ike *ike)
{
    struct ike_sa *sa = calloc(1, sizeof *sa);
    struct ike_sa_state *s = &sa->s;

    sa->ike = ike;
    *s = (struct ike_sa_state){.tunnel_id = 123456789,
                               .version = IKE_V2,
                               .session_id = 44,
                               .state = IKE_ESTABLISHED,
                               .initiator = true,
                               .nat_local = true,
                               .peer_fragments = true,
                               .dpd_periodic = true,
                               .dpd_on_demand = true,
                               .sync_ids = true,
                               .spi_i = UINT64_C(0x1122334455667788),
                               .spi_r = UINT64_C(0x99aabbccddeeff01),
                               .ifid = 3,
                               .suite = {ENCR_AES_CBC, 256, INTEG_SHA256_128, PRF_SHA256, DH_2048},
                               .policy_priority = 10,
                               .lifetime = 86400,
                               .created = 11 * SEC,
                               .established = 12 * SEC,
                               .expires = 13 * SEC,
                               .rekey_at = 14 * SEC,
                               .heir_i = 15,
                               .heir_r = 16,
                               .heir_nonce_len = 32,
                               .next_send_mid = 18,
                               .next_recv_mid = 19,
                               .window = 1,
                               .dpd_seconds = 20,
                               .dpd_retry = 21,
                               .last_in = 22 * SEC};
    addr_parse("2001:db8::1", &s->path.local);
    addr_parse("2001:db8::2", &s->path.remote);
    s->path.lport = 4500;
    s->path.rport = 1025;
    s->local_id = (struct ike_identity){.type = 2, .len = 64};
    fill(s->local_id.data, 64, 8);
    s->remote_id = (struct ike_identity){.type = 11, .len = 3, .data = "abc"};
    fill(s->heir_nonce, 32, 9);
    set_keys(&s->keys);
    for (uint32_t i = 0; i < 6; i++)
        add_child(s, i);
    sa->n_gone = 2;
    sa->gone[0] = 5;
    sa->gone[1] = 6;
    sa->why = IKE_R_DPD;
    sa->tell = 24;
    sa->sync_next = 25;
    sa->want_delete = sa->in_doubt = sa->replaced = true;
    sa->resp = (struct ike_response){.msg = malloc(200), .len = 200, .mid = 18};
    fill(sa->resp.msg, 200, 10);
    return sa;
}

static void open_request(struct ike_sa *sa, uint8_t exchange)
{
    sa->req = (struct ike_request){.open = true,
                                   .exchange = exchange,
                                   .probe = exchange == X_INFORMATIONAL,
                                   .sends = 3,
                                   .mid = 17,
                                   .msg = malloc(300),
                                   .len = 300};
    fill(sa->req.msg, 300, 11);
}

static void wants_child(struct ike_sa *sa, struct sim *s, uint16_t group)
{
    struct ike_esp_proposal *p = s->node[0].esp;
    struct ike_child_cfg cfg = s->node[0].entry[0].cfg;

    open_request(sa, X_CREATE_CHILD);
    p[1] = (struct ike_esp_proposal){.name = "OTHER",
                                     .encr = {{ENCR_AES_GCM16, 128}, {ENCR_3DES, 0}},
                                     .integ = {INTEG_SHA1_96, INTEG_MD5_96, INTEG_SHA512_256},
                                     .n_encr = 2,
                                     .n_integ = 3,
                                     .esn = true};
    cfg.proposal[1] = &p[1];
    cfg.n_proposal = 2;
    cfg.pfs_group = group;
    cfg.life_kbytes = 99;
    cfg.flags = SADB_DF_SET;
    struct ike_want *w = sa->active = ike_want_new(&cfg);
    w->child.spi_in = 4242;
    w->child.initiator = true;
    w->child.replaces = w->rekey_spi = 1001;
    w->rival_spi = 31;
    w->rival_len = 20;
    fill(w->rival, 20, 12);
    w->tries = 4;
    w->ni_len = 32;
    fill(w->ni, 32, 13);
    w->dh = group ? ike_dh_new(sa->ike->c, group) : NULL;
}

static void wants_heir(struct ike_sa *sa, struct sim *s, uint16_t group)
{
    uint8_t buf[2000];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct ike_rekey *r = sa->rekey = calloc(1, sizeof *r);

    open_request(sa, X_CREATE_CHILD);
    assert_int_equal(ike_w_sa_ike(&w, sa->ike->c, s->node[0].policy, 1, 77, &r->origin), 0);
    r->offer_len = w.w.len - 4;
    r->offer = malloc(r->offer_len);
    memcpy(r->offer, buf + 4, r->offer_len);
    r->ni_len = 48;
    fill(r->ni, 48, 14);
    r->spi_i = 77;
    r->group = group;
    r->restarts = 2;
    r->dh = ike_dh_new(sa->ike->c, group);
}

static uint8_t *pack(struct ike_sa *sa, size_t *n)
{
    uint8_t *p = malloc(IKE_RECORD_MAX);
    *n = ike_sa_pack(sa, p, IKE_RECORD_MAX);
    assert_true(*n > 0);
    return p;
}

static struct ike_sa *unpack(struct ike *ike, const uint8_t *p, size_t n, int expected)
{
    struct ike_sa *sa = calloc(1, sizeof *sa);
    struct ike_numbers numbers;
    sa->ike = ike;
    assert_int_equal(ike_sa_unpack(ike, sa, &numbers, p, n, 0), expected);
    if (expected == 0) {
        assert_int_equal(numbers.hash_key, ike->hash_key);
        assert_int_equal(numbers.tunnels, ike->tunnels);
        assert_int_equal(numbers.esp_spis, ike->esp_spis);
    }
    return sa;
}

static void same_message(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
    assert_int_equal(n_a, n_b);
    if (n_a > 0)
        assert_memory_equal(a, b, n_a);
}

/* Both halves of a pair: they agree on a secret with a third one as before. */
static void same_dh(struct ike *ike, uint16_t group, const struct ike_dh *a, const struct ike_dh *b)
{
    uint8_t pub[3][IKE_PUB_MAX], secret[2][IKE_SECRET_MAX];
    size_t n = ike_dh_pub_len(group), n_secret[2];
    struct ike_dh *other = ike_dh_new(ike->c, group);

    assert_int_equal(ike_dh_pub(a, pub[0], n), 0);
    assert_int_equal(ike_dh_pub(b, pub[1], n), 0);
    assert_int_equal(ike_dh_pub(other, pub[2], n), 0);
    assert_memory_equal(pub[0], pub[1], n);
    assert_int_equal(ike_dh_shared(b, pub[2], n, secret[0], sizeof secret[0], &n_secret[0]), 0);
    assert_int_equal(ike_dh_shared(other, pub[0], n, secret[1], sizeof secret[1], &n_secret[1]), 0);
    same_message(secret[0], n_secret[0], secret[1], n_secret[1]);
    ike_dh_free(other);
}

static void same_want(struct ike *ike, const struct ike_want *a, const struct ike_want *b)
{
    const struct ike_child_cfg *x = &a->cfg, *y = &b->cfg;

    assert_int_equal(x->policy, y->policy);
    assert_int_equal(x->ifid, y->ifid);
    assert_string_equal(x->map, y->map);
    assert_int_equal(x->map_seq, y->map_seq);
    assert_memory_equal(&x->sel.local, &y->sel.local, sizeof x->sel.local);
    assert_memory_equal(&x->sel.remote, &y->sel.remote, sizeof x->sel.remote);
    assert_int_equal(x->sel.proto, y->sel.proto);
    assert_memory_equal(x->sel.lport, y->sel.lport, sizeof x->sel.lport);
    assert_memory_equal(x->sel.rport, y->sel.rport, sizeof x->sel.rport);
    assert_int_equal(x->n_proposal, y->n_proposal);
    assert_int_equal(x->pfs_group, y->pfs_group);
    assert_int_equal(x->mode, y->mode);
    assert_int_equal(x->life_seconds, y->life_seconds);
    assert_int_equal(x->life_kbytes, y->life_kbytes);
    assert_int_equal(x->replay_window, y->replay_window);
    assert_int_equal(x->flags, y->flags);
    assert_memory_equal(a->prop, b->prop, sizeof a->prop);
    for (unsigned i = 0; i < a->cfg.n_proposal; i++)
        assert_ptr_equal(b->cfg.proposal[i], &b->prop[i]);
    assert_memory_equal(&a->child, &b->child, sizeof a->child);
    same_message(a->ni, a->ni_len, b->ni, b->ni_len);
    same_message(a->rival, a->rival_len, b->rival, b->rival_len);
    assert_int_equal(a->rekey_spi, b->rekey_spi);
    assert_int_equal(a->rival_spi, b->rival_spi);
    assert_int_equal(a->tries, b->tries);
    if (a->dh)
        same_dh(ike, a->cfg.pfs_group, a->dh, b->dh);
    else
        assert_null(b->dh);
}

static void same_rekey(struct ike *ike, const struct ike_rekey *a, const struct ike_rekey *b)
{
    same_message(a->ni, a->ni_len, b->ni, b->ni_len);
    same_message(a->offer, a->offer_len, b->offer, b->offer_len);
    assert_memory_equal(&a->origin, &b->origin, sizeof a->origin);
    assert_int_equal(a->spi_i, b->spi_i);
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->restarts, b->restarts);
    same_dh(ike, a->group, a->dh, b->dh);
}

static void same(const struct ike_sa *a, const struct ike_sa *b)
{
    struct ike_sa_state flat = b->s;

    assert_int_equal(a->s.n_children, b->s.n_children);
    assert_memory_equal(a->s.child, b->s.child, a->s.n_children * sizeof *a->s.child);
    flat.child = a->s.child;
    flat.room = a->s.room;
    assert_memory_equal(&a->s, &flat, sizeof flat);
    assert_memory_equal(a->gone, b->gone, sizeof a->gone);
    assert_int_equal(a->n_gone, b->n_gone);
    assert_int_equal(a->why, b->why);
    assert_int_equal(a->tell, b->tell);
    assert_int_equal(a->sync_next, b->sync_next);
    assert_int_equal(a->want_delete, b->want_delete);
    assert_int_equal(a->in_doubt, b->in_doubt);
    assert_int_equal(a->replaced, b->replaced);
    same_message(a->resp.msg, a->resp.len, b->resp.msg, b->resp.len);
    assert_int_equal(a->resp.mid, b->resp.mid);
    same_message(a->req.msg, a->req.len, b->req.msg, b->req.len);
    assert_int_equal(a->req.open, b->req.open);
    assert_int_equal(a->req.probe, b->req.probe);
    assert_int_equal(a->req.exchange, b->req.exchange);
    assert_int_equal(a->req.sends, b->req.sends);
    assert_int_equal(a->req.mid, b->req.mid);
    assert_int_equal(!a->active, !b->active);
    assert_int_equal(!a->rekey, !b->rekey);
    if (a->active && b->active)
        same_want(a->ike, a->active, b->active);
    if (a->rekey && b->rekey)
        same_rekey(a->ike, a->rekey, b->rekey);
}

static void there_and_back(struct ike_sa *sa)
{
    size_t n, m;
    uint8_t *p = pack(sa, &n);
    struct ike_sa *b = unpack(sa->ike, p, n, 0);
    uint8_t *q = pack(b, &m);

    same(sa, b);
    same_message(p, n, q, m);
    ike_sa_wipe(b);
    ike_sa_wipe(sa);
    free(p);
    free(q);
}

static void every_field(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike *ike = s->node[0].ike;
    (void)state;

    ike->tunnels = 500;
    ike->esp_spis = 600;
    there_and_back(some_sa(ike));
    struct ike_sa *sa = some_sa(ike);
    open_request(sa, X_INFORMATIONAL);
    there_and_back(sa);
    sa = some_sa(ike);
    wants_child(sa, s, DH_NONE);
    there_and_back(sa);
    sa = some_sa(ike);
    sa->s.state = IKE_DELETING;
    open_request(sa, X_CREATE_CHILD); /* whose answer does not matter any more */
    there_and_back(sa);
    sim_free(s);
}

static void every_group(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    const struct transform *t;
    unsigned groups = 0;
    (void)state;

    for (size_t i = 0; (t = transform_at(i)) != NULL; i++) {
        if (t->type != T_DH || t->id == DH_NONE)
            continue;
        struct ike_sa *a = some_sa(s->node[0].ike), *b = some_sa(s->node[0].ike);
        wants_child(a, s, t->id);
        there_and_back(a);
        wants_heir(b, s, t->id);
        there_and_back(b);
        groups++;
    }
    assert_true(groups >= 10);
    sim_free(s);
}

/* A private value of zero is no key. */
static void no_key(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    uint8_t pub[IKE_PUB_MAX], zero[32] = {0};
    (void)state;

    for (int i = 0; i < 2; i++) {
        uint16_t group = i ? DH_ECP256 : DH_2048;
        struct ike_dh *d = ike_dh_new(s->node[0].ike->c, group);
        assert_int_equal(ike_dh_pub(d, pub, sizeof pub), 0);
        assert_null(ike_dh_restore(s->node[0].ike->c, group, pub, zero, sizeof zero));
        ike_dh_free(d);
    }
    sim_free(s);
}

/* --- on another box ------------------------------------------------------------------------- */

/* Lines have numbers 100 more there, interfaces 10 more; children get slots by their handles. */
static int line_there(void *ctx, uint32_t *policy, uint32_t *ifid)
{
    const uint32_t *missing = ctx;
    if (*policy == *missing)
        return -ENOENT;
    *policy += 100;
    *ifid += 10;
    return 0;
}

static int numbers_there(void *ctx, struct ike_sa_state *s)
{
    (void)ctx;
    s->ifid += 10;
    for (uint32_t i = 0; i < s->n_children; i++) {
        assert_true(s->child[i].policy > 100); /* its line is known already */
        s->child[i].slot_in = 1000 + s->child[i].sa_in;
        s->child[i].slot_out = 1000 + s->child[i].sa_out;
    }
    return 0;
}

static void move(usec_t *t, usec_t shift)
{
    if (*t)
        *t += shift;
}

/* What the SA is to be there. */
static void translate(struct ike_sa *sa, usec_t shift)
{
    struct ike_sa_state *s = &sa->s;
    usec_t *const when[] = {&s->created, &s->established, &s->expires, &s->rekey_at, &s->last_in};

    s->passive = true;
    s->ifid += 10;
    for (size_t i = 0; i < sizeof when / sizeof *when; i++)
        move(when[i], shift);
    for (uint32_t i = 0; i < s->n_children; i++) {
        struct ike_child_state *c = &s->child[i];
        c->policy += 100;
        c->ifid += 10;
        c->slot_in = 1000 + c->sa_in;
        c->slot_out = 1000 + c->sa_out;
        move(&c->created, shift);
        move(&c->expires, shift);
        move(&c->rekey_at, shift);
    }
    if (sa->active) {
        sa->active->cfg.policy += 100;
        sa->active->cfg.ifid += 10;
    }
}

static const struct ike_sa *import_one(struct ike *there, struct ike_sa *sa, usec_t shift,
                                       uint32_t missing, int expected)
{
    const struct ike_import how = {.shift = shift,
                                   .line = line_there,
                                   .numbers = numbers_there,
                                   .ctx = &missing};
    size_t n;
    uint8_t *p = pack(sa, &n);

    assert_int_equal(ike_import(there, ike_record_key(sa), p, n, &how), expected);
    free(p);
    return there->passive;
}

static void imported(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike *here = s->node[0].ike, *there = s->node[1].ike;
    static const usec_t shift[] = {0, 100 * SEC, -5 * SEC};
    (void)state;

    for (int kind = 0; kind < 9; kind++) {
        struct ike_sa *sa = some_sa(here);
        if (kind % 3 == 1)
            wants_child(sa, s, DH_ECP256);
        else if (kind % 3 == 2)
            wants_heir(sa, s, DH_X25519);
        sa->s.child[0].expires = 0; /* none stays none */
        const struct ike_sa *got = import_one(there, sa, shift[kind / 3], 0, 0);
        translate(sa, shift[kind / 3]);
        sa->s.child[0].created += sa->s.child[0].created == 0; /* 0 would be none */
        same(sa, got);
        assert_int_equal(there->n_sas, 0);
        assert_int_equal(timerq_next(&s->q), -1);
        ike_forget(there, ike_record_key(sa) + 1);
        assert_non_null(there->passive);
        assert_null(got->next); /* it has replaced the one before */
        ike_sa_wipe(sa);
    }
    sim_free(s);
}

/* One that is older than the clock of the other box, and due before that. */
static void older_than_the_clock(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike_sa *sa = some_sa(s->node[0].ike);
    struct ike *there = s->node[1].ike;
    const struct ike_sa *got = import_one(there, sa, -20 * SEC, 0, 0);
    (void)state;

    assert_int_equal(got->s.created, -9 * SEC);
    assert_int_equal(got->s.last_in, 2 * SEC);
    assert_int_equal(got->s.expires, 1); /* due */
    got = import_one(there, sa, -11 * SEC, 0, 0);
    assert_int_equal(got->s.created, 1); /* 0 would be none */
    ike_sa_wipe(sa);
    sim_free(s);
}

/* Nothing half-made stays, and not what was there before. */
static void not_imported(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike_sa *sa = some_sa(s->node[0].ike);
    struct ike *there = s->node[1].ike;
    struct ike_import how = {.line = line_there, .numbers = numbers_there};
    uint32_t missing = 0;
    size_t n;
    (void)state;

    how.ctx = &missing;
    assert_non_null(import_one(there, sa, 0, 0, 0));
    assert_null(import_one(there, sa, 0, sa->s.child[3].policy, -ENOENT));
    wants_child(sa, s, DH_NONE);
    assert_non_null(import_one(there, sa, 0, 0, 0));
    assert_null(import_one(there, sa, 0, sa->active->cfg.policy, -ENOENT));
    assert_null(import_one(there, sa, INT64_MAX / 2, 0, -EINVAL));
    uint8_t *p = pack(sa, &n);
    assert_int_equal(ike_import(there, ike_record_key(sa) + 1, p, n, &how), -EINVAL);
    assert_int_equal(ike_import(there, ike_record_key(sa), p, n - 1, &how), -EINVAL);
    p[1] ^= 1;
    assert_int_equal(ike_import(there, ike_record_key(sa), p, n, &how), -EPROTO);
    p[1] ^= 1;
    assert_null(there->passive);
    assert_int_equal(there->index.n, 0);
    assert_int_equal(ike_restore(there, p, n), 0); /* its own is not taken for another's */
    assert_int_equal(ike_import(there, ike_record_key(sa), p, n, &how), -EEXIST);
    free(p);
    ike_sa_wipe(sa);
    sim_free(s);
}

/* A number that both boxes have given out: it gets another one here, and keeps it. */
static void its_own_tunnel_number(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike_sa *sa = some_sa(s->node[0].ike);
    struct ike *there = s->node[1].ike;
    (void)state;

    assert_int_equal(sim_initiate(s, 1, 0, 0), 0);
    there->head->s.tunnel_id = sa->s.tunnel_id;
    uint32_t id = import_one(there, sa, 0, 0, 0)->s.tunnel_id;
    assert_int_not_equal(id, sa->s.tunnel_id);
    assert_int_equal(import_one(there, sa, 0, 0, 0)->s.tunnel_id, id);
    ike_sa_wipe(sa);
    sim_free(s);
}

/* As much as there can be fits into a record. */
static void the_largest(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike_sa *sa = some_sa(s->node[0].ike);
    (void)state;

    wants_heir(sa, s, DH_4096);
    free(sa->req.msg);
    free(sa->resp.msg);
    sa->req.len = sa->resp.len = 2 * IKE_OUT_MAX;
    sa->req.msg = calloc(1, sa->req.len);
    sa->resp.msg = calloc(1, sa->resp.len);
    ike_children_free(&sa->s);
    sa->n_gone = IKE_CHILDREN_ALL;
    for (uint32_t i = 0; i < IKE_CHILDREN_ALL; i++) {
        add_child(&sa->s, i);
        sa->s.child[i].n_ts = SADB_TS_MAX;
        memset(sa->s.child[i].map, 'M', sizeof sa->s.child[i].map - 1);
        for (uint32_t t = 0; t < SADB_TS_MAX; t++)
            sa->s.child[i].ts[t] = sim_selector("2001:db8::", "2001:db8:1::", 64);
    }
    there_and_back(sa);
    sim_free(s);
}

static void too_short(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike *ike = s->node[0].ike;
    (void)state;

    for (int kind = 0; kind < 2; kind++) {
        struct ike_sa *sa = some_sa(ike);
        size_t n;
        if (kind)
            wants_heir(sa, s, DH_ECP256);
        else
            wants_child(sa, s, DH_2048);
        uint8_t *p = pack(sa, &n);
        for (size_t i = 0; i < n; i++) {
            uint8_t *cut = malloc(i ? i : 1); /* its end is where ASan sees it */
            memcpy(cut, p, i);
            ike_sa_wipe(unpack(ike, cut, i, -EINVAL));
            assert_int_equal(ike_restore(ike, cut, i), -EINVAL);
            free(cut);
        }
        ike_sa_wipe(unpack(ike, p, n + 1, -EINVAL)); /* and something behind its end */
        ike_sa_wipe(sa);
        free(p);
    }
    assert_int_equal(ike->n_sas, 0);
    sim_free(s);
}

/* Any byte changed in any way: refused, or an SA that stands being used. */
static void lies(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike *ike = s->node[0].ike;
    struct ike_sa *sa = some_sa(ike);
    size_t n, refused = 0;
    (void)state;

    wants_heir(sa, s, DH_X25519);
    uint8_t *p = pack(sa, &n);
    for (size_t i = 2; i < n; i++) {
        static const uint8_t change[] = {0x01, 0x80, 0xff};
        uint8_t was = p[i];
        p[i] ^= change[i % 3];
        int err = ike_restore(ike, p, n);
        assert_true(err == 0 || err == -EINVAL);
        refused += err != 0;
        if (err == 0)
            ike_clear(ike, NULL, 0);
        sim_for(s, 300);
        assert_int_equal(ike->n_sas, 0);
        uint32_t missing = 0;
        const struct ike_import how = {.shift = SEC,
                                       .line = line_there,
                                       .numbers = numbers_there,
                                       .ctx = &missing};
        err = ike_import(ike, ike_record_key(sa), p, n, &how);
        assert_true(err == 0 || err == -EINVAL || err == -ENOENT);
        if (ike_activate(ike))
            ike_clear(ike, NULL, 0);
        sim_for(s, 300);
        assert_int_equal(ike->n_sas, 0);
        p[i] = was;
    }
    assert_true(refused > n / 20);
    p[1] ^= 1;
    assert_int_equal(ike_restore(ike, p, n), -EPROTO);
    ike_sa_wipe(sa);
    free(p);
    sim_free(s);
}

/* What is certain to be wrong is refused. */
static void impossible(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike *ike = s->node[0].ike;
    (void)state;

    for (int kind = 0; kind < 17; kind++) {
        struct ike_sa *sa = some_sa(ike);
        size_t n;
        switch (kind) {
        case 0:
            sa->s.state = IKE_AUTH_SENT;
            break;
        case 1:
            sa->s.spi_i = 0;
            break;
        case 2:
            sa->s.established = 0;
            break;
        case 3:
            sa->s.expires = -1;
            break;
        case 4:
            sa->s.child[1].spi_in = sa->s.child[0].spi_in;
            break;
        case 5:
            sa->s.child[1].leaving = 3;
            break;
        case 6:
            sa->s.child[1].encr = 99;
            break;
        case 7:
            sa->s.child[1].mode = 0;
            break;
        case 8:
            sa->resp.mid--;
            break;
        case 9:
            wants_child(sa, s, DH_NONE);
            sa->req.mid++;
            break;
        case 10:
            wants_child(sa, s, DH_NONE);
            sa->active->ni_len = 15;
            break;
        case 11:
            wants_heir(sa, s, DH_X25519);
            sa->rekey->origin.n = 0; /* the answer would choose from nothing */
            break;
        case 12:
            wants_heir(sa, s, DH_X25519);
            sa->rekey->offer[4] = 33; /* its number */
            break;
        case 15:
            sa->s.dpd_retry = 1024; /* a check of liveness that takes hours */
            break;
        case 14:
            sa->s.state = IKE_DELETING; /* but waits for nothing */
            sa->want_delete = false;
            break;
        case 13:
            sa->s.child[0].ts[0].local.lo = sa->s.child[0].ts[0].remote.hi;
            break;
        default:
            addr_parse("192.0.2.1", &sa->s.path.local);
        }
        uint8_t *p = pack(sa, &n);
        assert_int_equal(ike_restore(ike, p, n), -EINVAL);
        ike_sa_wipe(sa);
        free(p);
    }
    sim_free(s);
}

/* A suite that nobody knows has no key lengths, so nothing can be packed. */
static void unknown_suite(void **state)
{
    struct sim *s = sim_new(1, DH_X25519);
    struct ike_sa *sa = some_sa(s->node[0].ike);
    size_t n;
    (void)state;

    uint8_t *p = pack(sa, &n);
    for (size_t i = 0; i + 10 < n; i++) /* the suite, wherever it is */
        if (p[i] == 0 && p[i + 1] == ENCR_AES_CBC && p[i + 2] == 1 && p[i + 3] == 0)
            p[i + 1] = 99;
    assert_int_equal(ike_restore(s->node[0].ike, p, n), -EINVAL);
    ike_sa_wipe(sa);
    free(p);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field),  cmocka_unit_test(every_group),
        cmocka_unit_test(no_key),       cmocka_unit_test(the_largest),
        cmocka_unit_test(too_short),    cmocka_unit_test(lies),
        cmocka_unit_test(impossible),   cmocka_unit_test(unknown_suite),
        cmocka_unit_test(imported),     cmocka_unit_test(older_than_the_clock),
        cmocka_unit_test(not_imported), cmocka_unit_test(its_own_tunnel_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
