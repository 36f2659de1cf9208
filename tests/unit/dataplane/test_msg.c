/* The engine's messages: every lie about a length or a field is answered and changes nothing. */
#include <stdio.h>
#include "world.h"

static const struct combo gcm = {"gcm256", ENCR_AES_GCM16, 36, INTEG_NONE, 0, true};
static const struct combo cbc = {"aes256-sha256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32, true};

static void test_wrong_lengths(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        size_t len;
    } rows[] = {{SADB_ADD, sizeof(struct sadb_sa)},
                {SADB_UPDATE, sizeof(struct sadb_update)},
                {SADB_DELETE, sizeof(struct sadb_delete)},
                {SADB_FLUSH, sizeof(struct sadb_ref)},
                {SADB_GET, sizeof(struct sadb_ref)},
                {SADB_DUMP, sizeof(struct sadb_ref)},
                {SADB_ACQUIRE_FAILED, sizeof(struct sadb_ref)},
                {SADB_SPD_FLUSH, sizeof(struct sadb_ref)},
                {SADB_ROLE, sizeof(struct sadb_role_set)},
                {SADB_ENCAP, sizeof(struct sadb_encap)}};
    struct world *w = world_new();
    struct sadb_sa m = make_sa(&gcm, SADB_OUT, true, 5000);
    assert_int_equal(add(w, m), 0);
    uint8_t frame[4096];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t len = 0; len < rows[i].len + 20; len++) {
            struct sadb_ack a;
            if (len == rows[i].len)
                continue;
            memset(frame, 0, sizeof frame);
            frame[0] = 9;
            world_clear(w);
            dp_message(w->dp, rows[i].type, frame, len);
            assert_int_equal(w->n_said, 1);
            assert_true(world_heard(w, SADB_ACK, &a, sizeof a));
            assert_int_equal(a.err, -EINVAL);
            assert_int_equal(a.seq, len >= 4 ? 9 : 0);
        }
    }
    for (uint32_t type = 0; type < 200; type++) { /* what is no request at all */
        struct sadb_ack a;
        if (type >= SADB_ADD && type <= SADB_ENCAP)
            continue;
        world_clear(w);
        dp_message(w->dp, (uint16_t)type, frame, 40);
        assert_true(world_heard(w, SADB_ACK, &a, sizeof a));
        assert_int_equal(a.err, -ENOSYS);
    }
    assert_int_equal(w->dp->sad.n, 1);
    world_free(w);
}

static void test_refused_sas(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_sa good = make_sa(&cbc, SADB_IN, true, 5000), m;
#define REFUSED(change, error)                                                                     \
    do {                                                                                           \
        m = good;                                                                                  \
        change;                                                                                    \
        assert_int_equal(add(w, m), error);                                                        \
        assert_int_equal(w->dp->sad.n, 0);                                                         \
    } while (0)
    REFUSED(m.proto = 108, -EPROTONOSUPPORT); /* IPComp */
    REFUSED(m.mode = 3, -EOPNOTSUPP);
    REFUSED(m.proto = SADB_AH, -EINVAL); /* with a cipher */
    struct sadb_sa esp = good;
    good.proto = SADB_AH; /* alone */
    memset(&good.encr, 0, sizeof good.encr);
    REFUSED(m.integ.id = INTEG_NONE, -EINVAL);
    REFUSED(m.integ.key_len = 19, -EINVAL);
    REFUSED(m.ah.id = INTEG_SHA1_96, -EINVAL); /* AH inside AH */
    REFUSED((m.flags = SADB_F_UDP, m.local_port = m.remote_port = 4500), -EINVAL);
    good = esp;
    good.ah = good.integ; /* around ESP */
    good.ah_spi = 6000;
    REFUSED(m.ah_spi = 255, -EINVAL);
    REFUSED(m.flags = SADB_F_ESN, -EINVAL);
    REFUSED((m.flags = SADB_F_UDP, m.local_port = m.remote_port = 4500), -EINVAL);
    REFUSED(m.ah.key_len = 65, -EINVAL);
    REFUSED(m.ah.id = 77, -EOPNOTSUPP);
    good = esp;
    REFUSED(m.dir = 0, -EINVAL);
    REFUSED(m.dir = 3, -EINVAL);
    REFUSED(m.spi = 255, -EINVAL);
    REFUSED(m.slot = DPSTATS_SLOTS, -EINVAL);
    REFUSED(m.encr.id = 77, -EOPNOTSUPP);
    REFUSED(m.encr.key_len = 31, -EOPNOTSUPP);
    REFUSED(m.encr.key_len = 65535, -EINVAL);
    REFUSED(m.integ.key_len = 65, -EINVAL);
    REFUSED(m.integ.key_len = 20, -EINVAL);
    REFUSED((m.encr.id = ENCR_NULL, m.encr.key_len = 0, m.integ.id = 0), -EINVAL);
    REFUSED(m.n_ts = SADB_TS_MAX + 1, -EINVAL);
    REFUSED(m.n_ts = UINT32_MAX, -EINVAL);
    REFUSED(m.ts[0].local.lo.family = 0, -EINVAL);
    REFUSED(m.ts[0].remote.hi.family = AF_INET6, -EINVAL);
    REFUSED(m.ts[0].remote.hi = ip4("1.1.1.1"), -EINVAL);
    REFUSED(m.local.family = 0, -EAFNOSUPPORT);
    REFUSED(m.remote.family = AF_INET6, -EAFNOSUPPORT);
    REFUSED(m.flags = SADB_F_UDP, -EINVAL);
    REFUSED(m.seq_first = (uint64_t)UINT32_MAX + 2, -EINVAL);
    assert_int_equal(add(w, good), 0);
    m = good;
    m.sa++;
    assert_int_equal(add(w, m), -EEXIST); /* the SPI */
    m.spi++;
    m.sa = good.sa;
    assert_int_equal(add(w, m), -EEXIST); /* the handle */
    m.sa++;
    assert_int_equal(add(w, m), 0);
    assert_int_equal(w->dp->sad.n, 2);
    world_free(w);
}

static void test_get_and_dump(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_sa info;
    for (uint32_t i = 0; i < 100; i++) {
        struct sadb_sa m = make_sa(&cbc, i % 2 ? SADB_IN : SADB_OUT, true, 5000 + i);
        m.ifid = 1 + i % 3;
        m.slot = i;
        assert_int_equal(add(w, m), 0);
    }
    struct sadb_sa one = make_sa(&cbc, SADB_IN, true, 5001);
    assert_int_equal(ref(w, SADB_GET, (struct sadb_ref){.sa = one.sa}), 0);
    assert_true(world_heard(w, SADB_SA_INFO, &info, sizeof info));
    assert_int_equal(info.spi, 5001);
    assert_int_equal(info.seq, w->seq);
    assert_int_equal(info.slot, 1);
    assert_int_equal(info.dir, SADB_IN);
    assert_int_equal(info.encr.id, ENCR_AES_CBC);
    assert_true(addr_eq(&info.remote, &one.remote));
    assert_memory_equal(&info.ts[0], &one.ts[0], sizeof one.ts[0]);
    uint8_t none[SADB_KEY_MAX] = {0};
    assert_memory_equal(info.encr.key, none, SADB_KEY_MAX);
    assert_memory_equal(info.integ.key, none, SADB_KEY_MAX);
    assert_int_equal(ref(w, SADB_GET, (struct sadb_ref){.sa = 1}), -ENOENT);
    assert_int_equal(ref(w, SADB_DUMP, (struct sadb_ref){0}), 0);
    assert_int_equal(world_count(w, SADB_SA_INFO), 100);
    assert_int_equal(ref(w, SADB_DUMP, (struct sadb_ref){.ifid = 2}), 0);
    assert_int_equal(world_count(w, SADB_SA_INFO), 33);
    /* a channel without room: the dump goes on when it has drained, and only one runs */
    struct sadb_ref r = {.seq = 4711};
    size_t got = 0;
    world_clear(w);
    w->engine_room = 30;
    dp_message(w->dp, SADB_DUMP, (const uint8_t *)&r, sizeof r);
    assert_int_equal(world_count(w, SADB_ACK), 0);
    w->engine_room = KEPT;
    r.seq = 4712;
    assert_int_equal(request(w, SADB_DUMP, &r, sizeof r), -EBUSY);
    world_clear(w);
    w->engine_room = 30;
    for (int i = 0; i < 20 && world_count(w, SADB_ACK) == 0; i++) {
        got += world_count(w, SADB_SA_INFO);
        world_clear(w);
        dp_dump_more(w->dp);
    }
    struct sadb_ack a;
    assert_true(world_heard(w, SADB_ACK, &a, sizeof a));
    assert_int_equal(a.seq, 4711);
    assert_true(got + world_count(w, SADB_SA_INFO) >= 70);
    w->engine_room = KEPT;
    assert_int_equal(ref(w, SADB_FLUSH, (struct sadb_ref){.ifid = 2}), 0);
    assert_int_equal(w->dp->sad.n, 67);
    assert_int_equal(ref(w, SADB_FLUSH, (struct sadb_ref){0}), 0);
    assert_int_equal(w->dp->sad.n, 0);
    world_free(w);
}

static void test_policy_frames(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sadb_spd_entry e = usual(), f = usual();
    uint8_t frame[4096];
    struct sadb_spd_set s;
    f.policy = 11;
    f.slot = 8;
    f.map_seq = 20;
    atomic_store(&w->stats->slot[7].packets, 99);
    assert_int_equal(set_policy(w, 1, &e, 1, 1), 0);
    assert_null(spd_find(&w->dp->spd, 1)); /* takes effect with the last frame */
    assert_int_equal(set_policy(w, 1, &f, 1, 0), 0);
    assert_int_equal(spd_find(&w->dp->spd, 1)->n, 2);
    assert_int_equal(w->dp->policies.n, 2);
    assert_int_equal(dp_read(&w->stats->slot[7].packets), 0); /* zeroed when taken */
    atomic_store(&w->stats->slot[7].packets, 5);
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(dp_read(&w->stats->slot[7].packets), 5); /* kept, for it is the same */
    assert_int_equal(w->dp->policies.n, 1);
    /* lies about the count */
    memset(&s, 0, sizeof s);
    s.ifid = 1;
    for (uint32_t count = 0; count < 5; count++)
        for (size_t len = sizeof s; len < sizeof s + 3 * sizeof e; len += 7) {
            memset(frame, 0, sizeof frame);
            s.count = count;
            memcpy(frame, &s, sizeof s);
            if (len == sizeof s + count * sizeof e)
                continue;
            assert_int_equal(request(w, SADB_SPD_SET, frame, len), -EINVAL);
        }
    s.count = UINT32_MAX;
    memcpy(frame, &s, sizeof s);
    assert_int_equal(request(w, SADB_SPD_SET, frame, sizeof s), -EINVAL);
    for (size_t len = 0; len < sizeof s; len++) {
        struct sadb_ack a;
        world_clear(w);
        dp_message(w->dp, SADB_SPD_SET, frame, len);
        assert_true(world_heard(w, SADB_ACK, &a, sizeof a));
        assert_int_equal(a.err, -EINVAL);
    }
    assert_int_equal(set_policy(w, 0, &e, 1, 0), -EINVAL);
    e.slot = DPSTATS_SLOTS;
    assert_int_equal(set_policy(w, 1, &e, 1, 0), -EINVAL);
    assert_int_equal(spd_find(&w->dp->spd, 1)->n, 1);
    /* a set that an engine left half sent does not reach its successor's */
    e.slot = 7;
    assert_int_equal(set_policy(w, 1, &f, 1, 1), 0);
    dp_engine_new(w->dp);
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    assert_int_equal(spd_find(&w->dp->spd, 1)->n, 1);
    assert_int_equal(ref(w, SADB_SPD_FLUSH, (struct sadb_ref){.ifid = 1}), 0);
    assert_null(spd_find(&w->dp->spd, 1));
    assert_int_equal(w->dp->policies.n, 0);
    /* packets that wait for a policy that goes are counted */
    assert_int_equal(set_policy(w, 1, &e, 1, 0), 0);
    from_host(w, "10.10.10.1", "192.168.10.1", 3, 100);
    assert_int_equal(ref(w, SADB_SPD_FLUSH, (struct sadb_ref){0}), 0);
    assert_int_equal(drops(&w->stats->total, DP_NO_SA), 3);
    world_free(w);
}

static void test_ike(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct {
        struct sadb_ike path;
        uint8_t msg[100];
    } m;
    memset(&m, 0, sizeof m);
    m.path.local = ip4("192.0.2.1");
    m.path.remote = ip4("192.0.2.2");
    m.path.local_port = m.path.remote_port = 4500;
    memset(m.msg, 0x55, sizeof m.msg);
    dp_message(w->dp, SADB_IKE_SEND, (uint8_t *)&m, sizeof m);
    assert_int_equal(w->n_ike, 1);
    assert_int_equal(w->ike[0].len, sizeof m - sizeof m.path);
    dp_message(w->dp, SADB_IKE_SEND, (uint8_t *)&m, sizeof m.path); /* a keepalive */
    assert_int_equal(w->n_ike, 2);
    assert_int_equal(w->ike[1].len, 0);
    for (size_t len = 0; len < sizeof m.path; len++)
        dp_message(w->dp, SADB_IKE_SEND, (uint8_t *)&m, len);
    m.path.remote.family = AF_INET6;
    dp_message(w->dp, SADB_IKE_SEND, (uint8_t *)&m, sizeof m);
    m.path.remote.family = AF_INET;
    m.path.remote_port = 0;
    dp_message(w->dp, SADB_IKE_SEND, (uint8_t *)&m, sizeof m);
    assert_int_equal(w->n_ike, 2);
    assert_int_equal(w->n_said, 0);
    world_free(w);
}

/* Frames of noise, and true frames with noise in them: bounded, and no crash. */
static void test_noise(void **state)
{
    (void)state;
    struct world *w = world_new();
    uint64_t seed = 77;
    static uint8_t frame[4096];
    for (int i = 0; i < 20000; i++) {
        uint16_t type = (uint16_t)(rnd(&seed) % 14);
        size_t len = rnd(&seed) % sizeof frame;
        rnd_fill(&seed, frame, 64);
        if (i % 2) {
            struct sadb_sa m = make_sa(&cbc, 1 + i % 4 / 2, true, 5000 + rnd(&seed) % 64);
            m.sa = rnd(&seed) % 64;
            ((uint8_t *)&m)[rnd(&seed) % sizeof m] ^= (uint8_t)rnd(&seed);
            memcpy(frame, &m, sizeof m);
            len = sizeof m;
            type = SADB_ADD;
        }
        world_clear(w);
        dp_message(w->dp, type, frame, len);
        assert_true(w->dp->sad.n <= 128);
    }
    from_host(w, "10.10.10.1", "192.168.10.1", 3, 100);
    world_free(w);
}

/* What a predecessor may have used is never used again; what it saw is never accepted again. */
static void test_restart(void **state)
{
    (void)state;
    struct world *a = world_new(), *b = world_new();
    struct sadb_spd_entry e = usual();
    struct sadb_sa out = make_sa(&gcm, SADB_OUT, true, 5000);
    struct sadb_sa in = make_sa(&gcm, SADB_IN, false, 5000);
    out.slot = 1;
    in.slot = 2;
    assert_int_equal(set_policy(a, 1, &e, 1, 0), 0);
    assert_int_equal(add(a, out), 0);
    assert_int_equal(add(b, in), 0);
    from_host(a, "10.10.10.1", "192.168.10.1", 10, 100);
    arrive(b, a->wire, 10);
    assert_int_equal(b->n_tun, 10);
    uint64_t lease = dp_read(&a->stats->slot[1].lease), seen = dp_read(&b->stats->slot[2].seq);
    assert_true(lease >= 10);
    struct world *a2 = world_new(), *b2 = world_new();
    out.seq_first = lease + 1;
    in.seq_first = seen + 1;
    assert_int_equal(set_policy(a2, 1, &e, 1, 0), 0);
    assert_int_equal(add(a2, out), 0);
    assert_int_equal(add(b2, in), 0);
    arrive(b2, a->wire, 10);
    assert_int_equal(b2->n_tun, 0);
    assert_int_equal(drops(&b2->stats->slot[2], DP_REPLAY), 10);
    from_host(a2, "10.10.10.1", "192.168.10.1", 10, 100);
    arrive(b2, a2->wire, 10);
    assert_int_equal(b2->n_tun, 10);
    assert_int_equal(dp_read(&a2->stats->slot[1].seq), lease + 10);
    world_free(a);
    world_free(b);
    world_free(a2);
    world_free(b2);
}

static void test_cause_names(void **state)
{
    (void)state;
    for (int i = 0; i < DP_CAUSES; i++) {
        assert_non_null(dpstats_cause_name((enum dp_cause)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(dpstats_cause_name((enum dp_cause)i),
                                    dpstats_cause_name((enum dp_cause)k));
    }
    assert_string_equal(dpstats_cause_name(DP_CAUSES), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrong_lengths), cmocka_unit_test(test_refused_sas),
        cmocka_unit_test(test_get_and_dump),  cmocka_unit_test(test_policy_frames),
        cmocka_unit_test(test_ike),           cmocka_unit_test(test_noise),
        cmocka_unit_test(test_restart),       cmocka_unit_test(test_cause_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
