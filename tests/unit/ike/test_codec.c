/* The codec: round trips, every truncation and every changed byte of valid messages; the table
 * of steps; headers. */
#include "sim.h"

/* --- payloads ----------------------------------------------------------------------------- */

/* A message with one of everything. Returns its length. */
static size_t everything(uint8_t *buf, size_t cap)
{
    struct ike_writer w = ike_writer_make(buf, cap);
    struct ike_header h = {.spi_i = 0x0102030405060708,
                           .spi_r = 0x1112131415161718,
                           .version = 0x20,
                           .exchange = X_AUTH,
                           .flags = IKE_F_INITIATOR,
                           .mid = 7};
    struct ike_identity id = {.type = ID_FQDN, .len = 3, .data = {'b', 'o', 'x'}};
    struct ike_xform_w x[] = {{T_ENCR, ENCR_AES_CBC, 256},
                              {T_ENCR, ENCR_3DES, 0},
                              {T_INTEG, INTEG_SHA256_128, 0},
                              {T_ESN, 0, 0}};
    struct ike_prop p = {.num = 1, .proto = PROTO_ESP, .spi_len = 4, .spi = 0xdeadbeef};
    struct selector sel = sim_selector("10.1.0.0", "10.2.0.0", 16);
    const uint32_t spis[] = {0x11111111, 0x22222222};
    size_t len;

    ike_w_header(&w, &h);
    ike_w_begin(&w, PL_SA);
    ike_w_proposal(&w, &p, x, 4, false);
    p.num = 2;
    ike_w_proposal(&w, &p, x, 1, true);
    ike_w_end(&w);
    ike_w_ke(&w, DH_X25519, (const uint8_t *)"0123456789abcdef0123456789abcdef", 32);
    ike_w_payload(&w, PL_NONCE, "0123456789abcdef", 16);
    ike_w_id(&w, PL_IDI, &id);
    ike_w_auth(&w, AUTH_PSK, (const uint8_t *)"proof", 5);
    sel.proto = 6;
    sel.rport[0] = sel.rport[1] = 443;
    ike_w_ts(&w, PL_TSI, &sel, 1, true);
    ike_w_ts(&w, PL_TSR, &sel, 1, false);
    ike_w_notify(&w, N_COOKIE, "data", 4);
    ike_w_notify_spi(&w, N_REKEY_SA, PROTO_ESP, 0xcafef00d);
    ike_w_delete(&w, spis, 2);
    ike_w_delete(&w, NULL, 0);
    ike_w_payload(&w, PL_VENDOR, NULL, 0);
    assert_int_equal(ike_w_finish(&w, &len), 0);
    return len;
}

/* Opens all of a message; 0 when every payload can be read. */
static int read_all(const uint8_t *msg, size_t len)
{
    struct ike_header h;
    struct ike_payloads l;
    int err = ike_header_read(msg, len, &h);

    if (err == 0)
        err = ike_payloads_read(h.next, msg + 28, len - 28, &l);
    for (unsigned i = 0; err == 0 && i < l.n; i++) {
        const struct ike_payload *p = &l.v[i];
        struct ike_offer offer;
        struct ike_ke ke;
        struct ike_identity id;
        struct ike_auth_pl auth;
        struct ike_notify_pl n;
        struct ike_delete_pl d;
        struct ike_ts_list ts;
        assert_true(p->p >= msg && p->p + p->len <= msg + len);
        switch (p->type) {
        case PL_SA:
            err = ike_offer_read(p, &offer);
            break;
        case PL_KE:
            err = ike_ke_read(p, &ke);
            break;
        case PL_IDI:
        case PL_IDR:
            err = ike_id_read(p, &id);
            break;
        case PL_AUTH:
            err = ike_auth_read(p, &auth);
            break;
        case PL_NOTIFY:
            err = ike_notify_read(p, &n);
            break;
        case PL_DELETE:
            err = ike_delete_read(p, &d);
            break;
        case PL_TSI:
        case PL_TSR:
            err = ike_ts_read(p, &ts);
            break;
        default:
            break;
        }
    }
    return err;
}

static void round_trip(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    struct ike_header h;
    struct ike_payloads l;
    struct ike_offer o;
    struct ike_ke ke;
    struct ike_identity id;
    struct ike_auth_pl auth;
    struct ike_ts_list i, r;
    struct ike_notify_pl n;
    struct ike_delete_pl d;
    (void)state;

    assert_int_equal(ike_header_read(buf, len, &h), 0);
    assert_int_equal(h.spi_r, 0x1112131415161718);
    assert_int_equal(h.mid, 7);
    assert_int_equal(ike_payloads_read(h.next, buf + 28, len - 28, &l), 0);
    assert_int_equal(l.n, 12);
    assert_int_equal(ike_offer_read(ike_payload_find(&l, PL_SA), &o), 0);
    assert_int_equal(o.n, 2);
    assert_int_equal(o.n_x, 5);
    assert_int_equal(o.prop[0].spi, 0xdeadbeef);
    assert_int_equal(o.prop[1].num, 2);
    assert_int_equal(o.prop[1].first, 4);
    assert_int_equal(o.x[0].keybits, 256);
    assert_int_equal(o.x[1].id, ENCR_3DES);
    assert_int_equal(o.x[1].keybits, 0);
    assert_int_equal(ike_ke_read(ike_payload_find(&l, PL_KE), &ke), 0);
    assert_int_equal(ke.group, DH_X25519);
    assert_int_equal(ke.len, 32);
    assert_int_equal(ike_id_read(ike_payload_find(&l, PL_IDI), &id), 0);
    assert_int_equal(id.type, ID_FQDN);
    assert_memory_equal(id.data, "box", 3);
    assert_int_equal(ike_auth_read(ike_payload_find(&l, PL_AUTH), &auth), 0);
    assert_memory_equal(auth.data, "proof", 5);
    assert_int_equal(ike_ts_read(ike_payload_find(&l, PL_TSI), &i), 0);
    assert_int_equal(ike_ts_read(ike_payload_find(&l, PL_TSR), &r), 0);
    struct selector pair, want = sim_selector("10.1.0.0", "10.2.0.0", 16);
    assert_int_equal(ike_ts_pairs(&i, &r, &pair, 1), 1);
    want.proto = 6;
    want.rport[0] = want.rport[1] = 443;
    assert_true(ike_selector_covers(&want, &pair) && ike_selector_covers(&pair, &want));
    assert_true(ike_notify_find(&l, N_COOKIE, &n));
    assert_memory_equal(n.data, "data", 4);
    assert_true(ike_notify_find(&l, N_REKEY_SA, &n));
    assert_int_equal(n.spi, 0xcafef00d);
    assert_false(ike_notify_find(&l, N_INITIAL_CONTACT, &n));
    assert_int_equal(ike_notify_error(&l, &n), 0);
    assert_int_equal(ike_delete_read(ike_payload_find(&l, PL_DELETE), &d), 0);
    assert_int_equal(d.n, 2);
    assert_string_equal(ike_payload_name(PL_TSR), "TSr");
    assert_string_equal(ike_exchange_name(X_CREATE_CHILD), "CREATE_CHILD_SA");
    assert_string_equal(ike_notify_name(N_TS_UNACCEPTABLE), "TS_UNACCEPTABLE");
}

/* No prefix of a message is a message, whether the length field says so or not. */
static void truncations(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    (void)state;

    assert_int_equal(read_all(buf, len), 0);
    for (size_t n = 0; n < len; n++) {
        uint8_t *cut = malloc(n ? n : 1); /* its own block, so that a sanitizer sees overreach */
        memcpy(cut, buf, n);
        assert_int_not_equal(read_all(cut, n), 0);
        if (n >= 28) {
            cut[24] = 0;
            cut[25] = 0;
            cut[26] = (uint8_t)(n >> 8);
            cut[27] = (uint8_t)n;
            assert_int_not_equal(read_all(cut, n), 0);
        }
        free(cut);
    }
}

/* Every byte with every value: read or refused, never beyond the end. */
static void changed_bytes(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    uint8_t *copy = malloc(len);
    unsigned refused = 0;
    (void)state;

    for (size_t at = 0; at < len; at++)
        for (unsigned v = 0; v < 256; v++) {
            memcpy(copy, buf, len);
            copy[at] = (uint8_t)v;
            refused += read_all(copy, len) != 0;
        }
    assert_true(refused > 1000);
    free(copy);
}

static void unknown_and_repeated(void **state)
{
    /* type 200, not critical, then a nonce; then the same with the critical bit */
    uint8_t b[] = {40, 0, 0, 5, 1, 0,  0,  0,  20, 1,  2,  3, 4,
                   5,  6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    uint8_t twice[48] = {0};
    struct ike_payloads l;
    (void)state;

    assert_int_equal(ike_payloads_read(200, b, sizeof b, &l), 0);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.v[0].type, PL_NONCE);
    b[1] = 0x80;
    assert_int_equal(ike_payloads_read(200, b, sizeof b, &l), -ENOTSUP);
    assert_int_equal(l.bad_type, 200);
    b[1] = 0;
    b[6] = 0x80; /* on a known payload the bit means nothing (§3.2) */
    assert_int_equal(ike_payloads_read(200, b, sizeof b, &l), 0);
    b[8] = 19; /* a nonce of 15 octets */
    assert_int_equal(ike_payloads_read(200, b, sizeof b, &l), -EBADMSG);
    twice[0] = PL_NONCE;
    twice[3] = 24;
    twice[27] = 24;
    assert_int_equal(ike_payloads_read(PL_NONCE, twice, 48, &l), -EBADMSG);
    assert_int_equal(ike_payloads_read(PL_VENDOR, NULL, 0, &l), -EBADMSG);
    assert_int_equal(ike_payloads_read(PL_NONE, NULL, 0, &l), 0);
    /* More payloads than we look at. */
    uint8_t many[4 * (IKE_PAYLOADS_MAX + 1)];
    for (unsigned i = 0; i <= IKE_PAYLOADS_MAX; i++)
        memcpy(many + 4 * i, (uint8_t[]){PL_VENDOR, 0, 0, 4}, 4);
    many[sizeof many - 4] = PL_NONE;
    assert_int_equal(ike_payloads_read(PL_VENDOR, many, sizeof many, &l), -EBADMSG);
    assert_int_equal(ike_payloads_read(PL_VENDOR, many + 4, sizeof many - 4, &l), 0);
}

static void writer_bounds(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    (void)state;

    for (size_t cap = 0; cap < len; cap++) {
        struct ike_writer w = ike_writer_make(buf, cap);
        struct ike_header h = {.spi_i = 1};
        size_t n;
        ike_w_header(&w, &h);
        ike_w_payload(&w, PL_NONCE, buf + 1, len - 28 - 4);
        assert_int_equal(ike_w_finish(&w, &n), -EMSGSIZE);
    }
}

static void selectors(void **state)
{
    struct selector a = sim_selector("10.0.0.0", "10.9.0.0", 16);
    struct selector b = sim_selector("10.0.3.0", "10.9.0.0", 24), out;
    struct ike_ts_list l = {2, {{6, {0, 65535}, a.local}, {17, {53, 53}, a.local}}};
    struct ike_ts_list r = {2, {{0, {0, 65535}, a.remote}, {17, {0, 65535}, a.remote}}};
    struct selector pair[4];
    (void)state;

    assert_true(ike_selector_covers(&a, &b));
    assert_false(ike_selector_covers(&b, &a));
    assert_true(ike_selector_narrow(&a, &b, &out));
    assert_true(ike_selector_covers(&b, &out) && ike_selector_covers(&out, &b));
    b.proto = 6;
    assert_true(ike_selector_covers(&a, &b));
    assert_false(ike_selector_covers(&b, &a));
    a.proto = 17;
    assert_false(ike_selector_narrow(&a, &b, &out));
    a.proto = 6;
    a.lport[0] = a.lport[1] = 80;
    b.lport[0] = b.lport[1] = 81;
    assert_false(ike_selector_narrow(&a, &b, &out));
    /* tcp×any, udp/53×any, udp/53×udp; tcp×udp is nothing */
    assert_int_equal(ike_ts_pairs(&l, &r, pair, 4), 3);
    assert_int_equal(pair[0].proto, 6);
    assert_int_equal(pair[2].proto, 17);
    assert_int_equal(ike_ts_pairs(&l, &r, pair, 2), 2);
}

/* --- the table of steps --------------------------------------------------------------------- */

/* Every state × exchange × direction × role that no row lists is refused, and rows only take
 * the payloads they name. */
static void steps_refuse_unlisted(void **state)
{
    unsigned listed = 0, refused = 0;
    (void)state;

    for (int st = 0; st < IKE_STATES; st++)
        for (unsigned x = 0; x < 256; x++)
            for (int response = 0; response < 2; response++)
                for (int init = 0; init < 2; init++) {
                    const struct ike_step *row;
                    bool any = false;
                    enum ike_drop why;
                    for (size_t i = 0; (row = ike_step_at(i)) != NULL; i++)
                        any |= (int)row->state == st && row->exchange == x &&
                               row->response == response &&
                               (row->role & (init ? ROLE_INITIATOR : ROLE_RESPONDER));
                    const struct ike_step *got = ike_step_find((enum ike_state)st, (uint8_t)x,
                                                               response, init, ~UINT64_C(0), &why);
                    assert_null(got); /* nothing wants all payloads */
                    assert_int_equal(why, any ? IKE_DROP_PAYLOADS : IKE_DROP_UNEXPECTED);
                    listed += any;
                    refused += !any;
                }
    assert_int_equal(listed, 4 + 11 * 2); /* four by role, eleven for either */
    assert_true(refused > 7000);
}

static void steps_check_payloads(void **state)
{
    const struct ike_step *row;
    enum ike_drop why;
    (void)state;

    for (size_t i = 0; (row = ike_step_at(i)) != NULL; i++) {
        bool init = row->role != ROLE_RESPONDER;
        const struct ike_step *got;
        assert_non_null(row->fn);
        assert_true(strlen(row->story) > 5);
        assert_int_equal(row->must & row->may, 0);
        got = ike_step_find(row->state, row->exchange, row->response, init, row->must, &why);
        assert_ptr_equal(got, row);
        got = ike_step_find(row->state, row->exchange, row->response, init,
                            row->must | row->may | PL_BIT(PL_VENDOR), &why);
        assert_non_null(got);
        for (uint8_t t = PL_SA; t <= PL_SKF; t++) {
            if (t == PL_VENDOR)
                continue;
            got = ike_step_find(row->state, row->exchange, row->response, init,
                                row->must ^ PL_BIT(t), &why);
            if ((row->must | row->may) & PL_BIT(t))
                assert_true(!(row->must & PL_BIT(t)) ? got != NULL : got != row);
            else
                assert_true(got != row);
        }
    }
    for (int d = 0; d < IKE_DROPS; d++)
        assert_true(strlen(ike_drop_text((enum ike_drop)d)) > 2);
    for (int r = 0; r < IKE_REASONS; r++)
        assert_true(strlen(ike_reason_text((enum ike_reason)r)) > 2);
}

static void headers_refused(void **state)
{
    struct sim *s = sim_new(5, DH_X25519);
    const struct ike_stats *st = ike_stats(s->node[1].ike);
    struct ike_path p = sim_path(s, 1, 0);
    uint8_t m[28] = {0};
    (void)state;

    ike_input(s->node[1].ike, &p, m, 0);
    ike_input(s->node[1].ike, &p, m, 27);
    ike_input(s->node[1].ike, &p, m, 28); /* length and SPI of zero */
    assert_int_equal(st->dropped[IKE_DROP_HEADER], 3);
    m[7] = 1;
    m[17] = 0x20;
    m[18] = X_INFORMATIONAL;
    m[27] = 28;
    ike_input(s->node[1].ike, &p, m, 28);
    assert_int_equal(st->dropped[IKE_DROP_UNKNOWN_SA], 1);
    m[18] = X_SA_INIT;
    ike_input(s->node[1].ike, &p, m, 28); /* neither from an initiator nor a response */
    assert_int_equal(st->dropped[IKE_DROP_HEADER], 4);
    m[19] = IKE_F_INITIATOR;
    ike_input(s->node[1].ike, &p, m, 28); /* no payloads */
    assert_int_equal(st->dropped[IKE_DROP_PAYLOADS], 1);
    m[17] = 0x10;
    ike_input(s->node[1].ike, &p, m, 28);
    assert_int_equal(st->dropped[IKE_DROP_VERSION], 1);
    assert_int_equal(st->tx, 0);
    m[17] = 0x30; /* §2.5: told that we speak 2 */
    ike_input(s->node[1].ike, &p, m, 28);
    assert_int_equal(st->dropped[IKE_DROP_VERSION], 2);
    assert_int_equal(st->tx, 1);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(truncations),
        cmocka_unit_test(changed_bytes),
        cmocka_unit_test(unknown_and_repeated),
        cmocka_unit_test(writer_bounds),
        cmocka_unit_test(selectors),
        cmocka_unit_test(steps_refuse_unlisted),
        cmocka_unit_test(steps_check_payloads),
        cmocka_unit_test(headers_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
