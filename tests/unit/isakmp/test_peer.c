/* What two peers say to each other once they have SAs: liveness, deletes, restarts, lost SAs, NAT.
 */
#include "tests/unit/isakmp/sim.h"

static void restart(struct sim *s, int i)
{
    struct sim_node *n = &s->node[i];
    isakmp_free(n->k);
    while (n->n_record)
        sim_forget(n, &n->record[0]);
    for (size_t c = 0; c < n->n_child; c++)
        n->child[c].up = false;
    sim_node_start(s, i);
}

static struct sim *up_with(void (*prepare)(struct sim *s))
{
    struct sim *s = sim_new(1, DH_2048);
    prepare(s);
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    return s;
}

/* --- RFC 3706 -------------------------------------------------------------------------------- */

static void with_dpd(struct sim *s)
{
    for (int k = 0; k < 2; k++) {
        s->node[k].peer.dpd_seconds = 10;
        s->node[k].peer.dpd_retry = 2;
    }
}

static void with_periodic(struct sim *s)
{
    with_dpd(s);
    s->node[0].peer.dpd_periodic = true;
}

static void periodic(void **state)
{
    struct sim *s = up_with(with_periodic);
    (void)state;
    uint64_t before = isakmp_stats(s->node[0].k)->tx;
    for (int i = 0; i < 95; i++) {
        s->node[0].last_traffic = s->time.mono_us; /* ESP does not keep us from asking */
        sim_for(s, 1);
    }
    assert_tunnel(s, 1);
    /* a question each ten seconds, and the answers count as signs of life on both sides */
    assert_in_range(isakmp_stats(s->node[0].k)->tx - before, 8, 10);
    usec_t dead = s->time.mono_us;
    s->node[1].dead = true;
    sim_for(s, 60);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(sim_sas(s, 0).n, 0);
    assert_int_equal(s->node[0].last_child_down, IKE_R_DPD);
    assert_true(s->node[0].sent_at[s->node[0].n_sent - 1] - dead <= 20 * SEC);
    sim_free(s);
}

/* Nothing is sent, so nobody is asked; ten seconds after something was, and nothing came, he is. */
static void on_demand(void **state)
{
    struct sim *s = up_with(with_dpd);
    (void)state;
    uint64_t before = isakmp_stats(s->node[0].k)->tx;
    sim_for(s, 100);
    assert_int_equal(isakmp_stats(s->node[0].k)->tx, before);
    s->node[0].last_sent = s->time.mono_us;
    sim_for(s, 4);
    assert_int_equal(isakmp_stats(s->node[0].k)->tx, before + 1);
    /* traffic that comes back is as good as an answer */
    s->node[0].last_sent = s->time.mono_us + 20 * SEC;
    s->node[0].last_traffic = s->time.mono_us + 20 * SEC;
    sim_for(s, 20);
    assert_int_equal(isakmp_stats(s->node[0].k)->tx, before + 1);
    s->node[1].dead = true;
    s->node[0].last_sent = s->time.mono_us + SEC;
    sim_for(s, 40);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(isakmp_stats(s->node[0].k)->tx, before + 1 + ISK_DPD_SENDS);
    sim_free(s);
}

/* --- deletes --------------------------------------------------------------------------------- */

static void clear_everything(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    assert_int_equal(isakmp_clear(s->node[0].k, NULL, 0), 1);
    sim_for(s, 1);
    assert_nothing(s);
    assert_int_equal(s->node[1].last_child_down, IKE_R_PEER_DELETE);
    sim_free(s);
}

static void clear_another_peer(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    assert_int_equal(isakmp_clear(s->node[0].k, &s->node[0].addr, 0), 0);
    assert_int_equal(isakmp_clear(s->node[0].k, NULL, 99), 0);
    assert_tunnel(s, 1);
    assert_int_equal(isakmp_clear(s->node[0].k, &s->node[1].addr, 3), 1);
    sim_for(s, 1);
    assert_nothing(s);
    sim_free(s);
}

/* RFC 2409 §5.5: phase 1 may end before what it made. */
static void children_outlive_phase1(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    assert_false(isakmp_clear_one(s->node[0].k, 1002));
    assert_true(isakmp_clear_one(s->node[0].k, 1001));
    sim_for(s, 1);
    assert_tunnel(s, 1);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(sim_sas(s, k).n, 1);
        assert_int_equal(sim_sas(s, k).last->state, IKE_IDLE);
    }
    /* when the child is due, phase 1 comes again and takes it over */
    sim_for(s, 3650);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 0).n, 1);
    assert_int_equal(sim_sas(s, 0).last->tunnel_id, 1002);
    assert_int_equal(sim_sas(s, 0).established, 1);
    sim_free(s);
}

/* Each thing that may be asked for, right and wrong. */
static void clear_chosen(void **state)
{
    struct sim *s = up(DH_2048);
    struct isakmp *k = s->node[0].k;
    const struct addr *own = &s->node[0].addr, *peer = &s->node[1].addr;
    const struct ike_which wrong[] = {
        {.local = *peer}, {.remote = *own}, {.lport = 4500},
        {.rport = 4500},  {.ifid = 99},     {.tunnel_id = 1002},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(isakmp_clear_which(k, &wrong[i], IKE_CLEAR_ALL), 0);
    assert_tunnel(s, 1);
    const struct ike_which right = {*own, *peer, 500, 500, 3, 1001};
    assert_int_equal(isakmp_clear_which(k, &right, IKE_CLEAR_SILENT), 1);
    sim_for(s, 1);
    assert_int_equal(sim_sas(s, 0).n, 0);
    assert_int_equal(sim_sas(s, 1).established, 1); /* nobody has told it */
    sim_free(s);
}

static void interface_changed(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    isakmp_interface_changed(s->node[0].k, 3, &s->node[0].addr, 1);
    assert_tunnel(s, 1);
    isakmp_interface_changed(s->node[0].k, 3, &s->node[1].addr, 1);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(sim_sas(s, 0).n, 0);
    sim_free(s);
}

/* --- restarts -------------------------------------------------------------------------------- */

/* Who comes back with nothing says so, and the other side forgets what it had with him. */
static void initial_contact(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    restart(s, 0);
    assert_int_equal(sim_initiate(s, 0, 1, 0), 0);
    sim_for(s, 1);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 1).n, 1);
    assert_int_equal(s->node[1].last_child_down, IKE_R_REPLACED);
    sim_free(s);
}

/* While something is left nothing of the kind is said. */
static void no_initial_contact(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    assert_true(isakmp_clear_one(s->node[0].k, 1001));
    s->node[0].entry[1] = s->node[0].entry[0];
    s->node[0].entry[1].cfg.policy = 8;
    assert_int_equal(sim_initiate(s, 0, 1, 1), 0);
    sim_for(s, 1);
    assert_tunnel(s, 2);
    sim_free(s);
}

/* --- SAs that one side has lost -------------------------------------------------------------- */

static void invalid_spi_under_a_key(void **state)
{
    struct sim *s = up(DH_2048);
    struct ike_path p = sim_path(s, 1, 0);
    uint32_t spi = s->node[0].child[0].spi_out;
    (void)state;
    isakmp_invalid_spi(s->node[1].k, &p, spi);
    sim_for(s, 1);
    /* the child is made anew, and the other side's half of the old one is gone, too */
    assert_tunnel(s, 1);
    assert_false(s->node[0].child[0].up);
    assert_true(s->node[0].n_child == 2);
    sim_free(s);
}

/* Without phase 1 a new one, whose initial contact ends what only the peer has. */
static void invalid_spi_recovery(void **state)
{
    struct sim *s = up(DH_2048);
    struct ike_path p = sim_path(s, 1, 0);
    uint32_t spi = s->node[0].child[0].spi_out;
    (void)state;
    restart(s, 1);
    isakmp_invalid_spi(s->node[1].k, &p, spi);
    isakmp_invalid_spi(s->node[1].k, &p, spi);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(sim_sas(s, 0).established, 1);
    assert_int_equal(sim_sas(s, 1).n, 1);
    sim_free(s);
}

static void expired(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    isakmp_expired(s->node[1].k, s->node[1].child[0].sa_in, true);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[0]), 0);
    assert_int_equal(sim_up_count(&s->node[1]), 0);
    assert_int_equal(s->node[1].last_child_down, IKE_R_LIFETIME);
    sim_free(s);
}

static void end_child(void **state)
{
    struct sim *s = up(DH_2048);
    (void)state;
    isakmp_end_child(s->node[0].k, s->node[0].child[0].sa_in, IKE_R_LOCAL_DELETE);
    isakmp_end_child(s->node[0].k, 12345, IKE_R_LOCAL_DELETE);
    sim_for(s, 1);
    assert_int_equal(sim_up_count(&s->node[1]), 0);
    assert_int_equal(sim_sas(s, 0).established, 1);
    sim_free(s);
}

/* --- RFC 3947 -------------------------------------------------------------------------------- */

static void behind_nat(struct sim *s)
{
    s->node[0].behind_nat = true;
}

static void nat(void **state)
{
    struct sim *s = up_with(behind_nat);
    (void)state;
    for (int k = 0; k < 2; k++) {
        const struct sim_child *c = &s->node[k].child[0];
        assert_true(c->udp);
        assert_int_equal(c->path.lport, 4500);
        assert_int_equal(sim_sas(s, k).last->path.lport, 4500);
    }
    assert_true(sim_sas(s, 0).last->nat_local && !sim_sas(s, 0).last->nat_remote);
    assert_true(!sim_sas(s, 1).last->nat_local && sim_sas(s, 1).last->nat_remote);
    assert_int_equal(s->node[0].child[0].path.rport, 4500);
    assert_int_equal(s->node[1].child[0].path.rport, 4500 + NAT_SHIFT);
    sim_free(s);
}

/* Rekeyed through the NAT: phase 1 goes on where the old one was. */
static void nat_rekey(void **state)
{
    struct sim *s = up_with(behind_nat);
    (void)state;
    sim_for(s, 3 * 86400);
    assert_tunnel(s, 1);
    assert_int_equal(sim_sas(s, 0).established, 1);
    assert_int_equal(sim_sas(s, 1).last->path.lport, 4500);
    assert_true(sim_sas(s, 1).last->nat_remote);
    sim_free(s);
}

static void nat_moved(void **state)
{
    struct sim *s = up_with(behind_nat);
    struct ike_path p = sim_sas(s, 1).last->path;
    (void)state;
    p.rport = 33333;
    isakmp_nat_moved(s->node[1].k, s->node[1].child[0].sa_in, &p);
    assert_int_equal(sim_sas(s, 1).last->path.rport, 33333);
    sim_free(s);
}

/* As if the vendor IDs of these versions had not been known when the peer was built. */
static const char *const natt_id[] = {"\x4a\x13\x1c\x81\x07\x03\x58\x45",
                                      "\x43\x9b\x59\xf8\xba\x67\x6c\x4c",
                                      "\x7d\x94\x19\xa6\x53\x10\xca\x6f"};
static unsigned hidden;
static bool hide(struct sim *s, struct sim_packet *p)
{
    (void)s;
    for (unsigned id = 0; id < hidden; id++)
        for (size_t i = 0; i + 8 <= p->len; i++)
            if (memcmp(p->data + i, natt_id[id], 8) == 0)
                p->data[i] ^= 1;
    return true;
}

/* With a peer that knows drafts only: other payload types, other numbers of modes. */
static void nat_drafts(void **state)
{
    static const uint32_t chosen[] = {VID_RFC3947, VID_NATT_07, VID_NATT_03, VID_NATT_02};
    (void)state;
    for (hidden = 0; hidden <= 3; hidden++) {
        struct sim *s = sim_new(1, DH_2048);
        s->node[0].behind_nat = true;
        s->tap = hide;
        sim_initiate(s, 0, 1, 0);
        sim_for(s, 1);
        assert_tunnel(s, 1);
        assert_true(s->node[0].child[0].udp && s->node[1].child[0].udp);
        assert_int_equal(s->node[0].k->head->vendors & VID_NATT, chosen[hidden]);
        assert_int_equal(s->node[0].k->head->natt_draft, hidden > 1);
        assert_int_equal(s->node[1].k->head->natt_draft, hidden > 1);
        sim_free(s);
    }
}

/* --- what may be said twice --------------------------------------------------------------------
 */

static struct sim_packet kept[64];
static unsigned n_kept;
static bool keep(struct sim *s, struct sim_packet *p)
{
    (void)s;
    if (n_kept < 64) {
        kept[n_kept] = *p;
        kept[n_kept].data = malloc(p->len);
        memcpy(kept[n_kept++].data, p->data, p->len);
    }
    return true;
}

/* Everything that was said, once more and in another order: nothing comes of it. */
static void replay(void **state)
{
    struct sim *s = sim_new(1, DH_2048);
    (void)state;
    n_kept = 0;
    s->tap = keep;
    sim_initiate(s, 0, 1, 0);
    sim_for(s, 1);
    s->tap = NULL;
    sim_for(s, 100); /* nodes that answered repetitions are gone */
    for (unsigned k = n_kept; k-- > 0;) {
        struct sim_packet *p = &kept[k];
        isakmp_input(s->node[p->to].k, &p->path, p->data, p->len);
        sim_for(s, 1);
    }
    sim_for(s, 100);
    assert_tunnel(s, 1);
    assert_int_equal(s->node[0].n_child, 1);
    assert_int_equal(s->node[1].n_child, 1);
    assert_int_equal(sim_sas(s, 0).established, 1);
    assert_int_equal(sim_sas(s, 1).n, 1);
    while (n_kept)
        free(kept[--n_kept].data);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periodic),
        cmocka_unit_test(on_demand),
        cmocka_unit_test(clear_everything),
        cmocka_unit_test(clear_another_peer),
        cmocka_unit_test(children_outlive_phase1),
        cmocka_unit_test(clear_chosen),
        cmocka_unit_test(interface_changed),
        cmocka_unit_test(initial_contact),
        cmocka_unit_test(no_initial_contact),
        cmocka_unit_test(invalid_spi_under_a_key),
        cmocka_unit_test(invalid_spi_recovery),
        cmocka_unit_test(expired),
        cmocka_unit_test(end_child),
        cmocka_unit_test(nat),
        cmocka_unit_test(nat_rekey),
        cmocka_unit_test(nat_moved),
        cmocka_unit_test(nat_drafts),
        cmocka_unit_test(replay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
