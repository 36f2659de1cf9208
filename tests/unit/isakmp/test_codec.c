/* The codec of IKEv1: round trips, a message written by hand, every truncation, every changed byte,
 * and what lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/isakmp/codec.h"
#include <errno.h>
#include <stdlib.h>

static const uint32_t SPI = 0x74e1a91f;

/* An SA payload as the initiator of seed 004 sends it in quick mode. */
static void write_offer(struct ike_writer *w)
{
    struct isk_sa_w s = isk_w_sa_begin(w);

    isk_w_prop_begin(&s, 1, ISPROTO_ESP, &SPI);
    isk_w_xform_begin(&s, 1, 12);
    isk_w_attr(&s, ISB_MODE, 1);
    isk_w_attr(&s, ISB_LIFE_TYPE, ISL_SECONDS);
    isk_w_attr_long(&s, ISB_LIFE, 3600, true);
    isk_w_attr(&s, ISB_LIFE_TYPE, ISL_KBYTES);
    isk_w_attr_long(&s, ISB_LIFE, 4608000, false);
    isk_w_xform_end(&s);
    isk_w_xform_begin(&s, 2, 3);
    isk_w_attr(&s, ISB_GROUP, 14);
    isk_w_xform_end(&s);
    isk_w_prop_end(&s);
    isk_w_prop_begin(&s, 2, ISPROTO_AH, &SPI);
    isk_w_xform_begin(&s, 1, 5);
    isk_w_attr(&s, ISB_AUTH, 5);
    isk_w_xform_end(&s);
    isk_w_prop_end(&s);
    isk_w_sa_end(&s);
}

static struct selector selector(const char *local, unsigned bits, const char *remote)
{
    struct addr l, r;
    struct selector s = {.proto = 6, .lport = {0, 65535}, .rport = {443, 443}};
    addr_parse(local, &l);
    addr_parse(remote, &r);
    struct prefix p = prefix_make(&l, bits);
    s.local = prefix_range(&p);
    s.remote = (struct addr_range){r, r};
    return s;
}

static size_t everything(uint8_t *buf, size_t cap)
{
    struct ike_writer w = ike_writer_make(buf, cap);
    struct ike_header h = {.spi_i = 0x0102030405060708,
                           .spi_r = 0x1112131415161718,
                           .version = ISK_VERSION,
                           .exchange = ISX_QUICK,
                           .mid = 0x481c1522};
    struct selector sel = selector("10.1.0.0", 16, "10.2.0.1");
    struct ike_identity fqdn = {.type = ISID_FQDN, .len = 3, .data = {'b', 'o', 'x'}};
    const uint8_t seq[4] = {0, 0, 0, 9}, cookies[16] = {1, 2, 3};
    size_t len;

    ike_w_header(&w, &h);
    write_offer(&w);
    ike_w_payload(&w, ISP_KE, "0123456789abcdef", 16);
    ike_w_payload(&w, ISP_NONCE, "01234567", 8);
    ike_w_payload(&w, ISP_HASH, "0123456789abcdef0123", 20);
    isk_w_id(&w, &fqdn, 17, 500);
    isk_w_id_selector(&w, &sel, true);
    isk_w_id_selector(&w, &sel, false);
    isk_w_notify(&w, ISN_R_U_THERE, ISPROTO_ISAKMP, cookies, 16, seq, 4);
    isk_w_notify(&w, ISN_INITIAL_CONTACT, ISPROTO_ISAKMP, NULL, 0, NULL, 0);
    isk_w_delete(&w, ISPROTO_ESP, "\1\2\3\4\5\6\7\10", 2);
    isk_w_delete(&w, ISPROTO_ISAKMP, cookies, 1);
    ike_w_payload(&w, ISP_VENDOR, "vendor", 6);
    ike_w_payload(&w, ISP_NATD_DRAFT, "0123456789abcdef0123", 20);
    assert_int_equal(ike_w_finish(&w, &len), 0);
    return len;
}

static int read_all(const uint8_t *msg, size_t len, bool padded)
{
    struct ike_header h;
    struct isk_payloads l;
    struct isk_offer *o = malloc(sizeof *o);
    int err = isk_header_read(msg, len, &h);

    if (err == 0)
        err = isk_payloads_read(h.next, msg + 28, len - 28, padded, &l);
    for (unsigned i = 0; err == 0 && i < l.n; i++) {
        const struct ike_payload *p = &l.v[i];
        struct isk_notify_pl n;
        struct isk_delete_pl d;
        struct isk_id id;
        struct addr_range range;
        struct ike_identity identity;
        if (p->type == ISP_SA)
            err = isk_offer_read(p, o);
        else if (p->type == ISP_NOTIFY)
            err = isk_notify_read(p, &n);
        else if (p->type == ISP_DELETE)
            err = isk_delete_read(p, &d);
        else if (p->type == ISP_ID && (err = isk_id_read(p, &id)) == 0) {
            isk_id_range(&id, &range);
            isk_id_identity(&id, &identity);
        }
    }
    free(o);
    return err;
}

static void round_trip(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    struct ike_header h;
    struct isk_payloads l;
    struct isk_offer *o = malloc(sizeof *o);
    (void)state;

    assert_int_equal(read_all(buf, len, false), 0);
    assert_int_equal(isk_header_read(buf, len, &h), 0);
    assert_int_equal(h.mid, 0x481c1522);
    assert_int_equal(isk_payloads_read(h.next, buf + 28, len - 28, false, &l), 0);
    assert_int_equal(l.n, 13);
    assert_int_equal(l.used, len - 28);
    assert_true(l.seen & ISP_BIT(ISP_NATD)); /* the draft's number is the same thing */
    assert_int_equal(isk_offer_read(isk_payload_find(&l, ISP_SA, 0), o), 0);
    assert_int_equal(o->n, 2);
    assert_int_equal(o->n_x, 3);
    assert_int_equal(o->prop[0].spi, SPI);
    assert_int_equal(o->prop[0].n, 2);
    assert_int_equal(o->prop[1].proto, ISPROTO_AH);
    assert_int_equal(o->prop[1].first, 2);
    const struct isk_xform *x = &o->x[0];
    assert_int_equal(x->id, 12);
    assert_int_equal(x->n_attr, 5);
    assert_int_equal(isk_attr_find(x, ISB_LIFE)->value, 3600);
    assert_true(isk_attr_find(x, ISB_LIFE)->basic);
    assert_int_equal(x->attr[4].value, 4608000);
    assert_false(x->attr[4].basic);
    assert_memory_equal(x->attr[4].p, "\x00\x46\x50\x00", 4); /* semantics.md §11 */
    assert_null(isk_attr_find(x, ISB_GROUP));
    assert_int_equal(isk_attr_find(&o->x[1], ISB_GROUP)->value, 14);

    struct isk_id id;
    struct addr_range r;
    assert_int_equal(isk_id_read(isk_payload_find(&l, ISP_ID, 0), &id), 0);
    assert_int_equal(id.type, ISID_FQDN);
    assert_int_equal(id.proto, 17);
    assert_int_equal(id.port, 500);
    assert_false(isk_id_range(&id, &r));
    struct selector sel = selector("10.1.0.0", 16, "10.2.0.1");
    assert_int_equal(isk_id_read(isk_payload_find(&l, ISP_ID, 1), &id), 0);
    assert_int_equal(id.type, ISID_IPV4_SUBNET);
    assert_true(isk_id_range(&id, &r));
    assert_true(addr_eq(&r.lo, &sel.local.lo) && addr_eq(&r.hi, &sel.local.hi));
    assert_int_equal(isk_id_read(isk_payload_find(&l, ISP_ID, 2), &id), 0);
    assert_int_equal(id.type, ISID_IPV4);
    assert_int_equal(id.port, 443);
    assert_null(isk_payload_find(&l, ISP_ID, 3));

    struct isk_notify_pl n;
    assert_true(isk_notify_find(&l, ISN_R_U_THERE, &n));
    assert_int_equal(n.spi_len, 16);
    assert_int_equal(n.len, 4);
    assert_int_equal(n.data[3], 9);
    assert_true(isk_notify_find(&l, ISN_INITIAL_CONTACT, &n));
    assert_false(isk_notify_find(&l, ISN_INVALID_SPI, &n));
    struct isk_delete_pl d;
    assert_int_equal(isk_delete_read(isk_payload_find(&l, ISP_DELETE, 0), &d), 0);
    assert_int_equal(d.n, 2);
    assert_int_equal(d.spis[7], 8);
    assert_int_equal(isk_delete_read(isk_payload_find(&l, ISP_DELETE, 1), &d), 0);
    assert_int_equal(d.proto, ISPROTO_ISAKMP);
    free(o);
}

/* Ranges and both families; what cannot be an address is not one. */
static void identities(void **state)
{
    static const char *const lo[] = {"10.0.0.5", "2001:db8::5", "2001:db8::", "2001:db8::1"};
    static const char *const hi[] = {"10.0.0.9", "2001:db8::5", "2001:db8::ffff", "2001:db8::3"};
    static const uint8_t type[] = {ISID_IPV4_RANGE, ISID_IPV6, ISID_IPV6_SUBNET, ISID_IPV6_RANGE};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct selector s = {.lport = {0, 65535}};
        uint8_t buf[128];
        struct ike_writer w = ike_writer_make(buf, sizeof buf);
        struct isk_payloads l;
        struct isk_id id;
        struct addr_range r;
        addr_parse(lo[i], &s.local.lo);
        addr_parse(hi[i], &s.local.hi);
        isk_w_id_selector(&w, &s, true);
        assert_int_equal(isk_payloads_read(ISP_ID, buf, w.w.len, false, &l), 0);
        assert_int_equal(isk_id_read(&l.v[0], &id), 0);
        assert_int_equal(id.type, type[i]);
        assert_int_equal(id.port, 0);
        assert_true(isk_id_range(&id, &r));
        assert_true(addr_eq(&r.lo, &s.local.lo) && addr_eq(&r.hi, &s.local.hi));
        id.len--;
        assert_false(isk_id_range(&id, &r));
    }
    const uint8_t holes[8] = {10, 0, 0, 0, 255, 0, 255, 0}, turned[8] = {10, 0, 0, 9, 10, 0, 0, 5};
    struct addr_range r;
    assert_false(
        isk_id_range(&(struct isk_id){.type = ISID_IPV4_SUBNET, .data = holes, .len = 8}, &r));
    assert_false(
        isk_id_range(&(struct isk_id){.type = ISID_IPV4_RANGE, .data = turned, .len = 8}, &r));
}

static void every_truncation(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    (void)state;
    for (size_t n = 0; n < len; n++) {
        uint8_t *p = malloc(n ? n : 1); /* so that a sanitizer sees the end */
        memcpy(p, buf, n);
        if (n >= 28) {
            p[26] = (uint8_t)(n >> 8);
            p[27] = (uint8_t)n;
        }
        assert_int_equal(read_all(p, n, false), -EBADMSG);
        free(p);
    }
}

static void every_changed_byte(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    unsigned refused = 0;
    (void)state;
    for (size_t at = 28; at < len; at++)
        for (unsigned v = 0; v < 256; v += 17) {
            uint8_t *p = malloc(len);
            memcpy(p, buf, len);
            p[at] = (uint8_t)v;
            refused += read_all(p, len, false) < 0;
            free(p);
        }
    assert_true(refused > 500); /* lengths, types and reserved bytes */
}

/* What a wrong key makes of a message: hardly ever a chain of payloads. */
static void nonsense(void **state)
{
    uint32_t x = 1;
    unsigned good = 0;
    (void)state;
    for (int run = 0; run < 20000; run++) {
        uint8_t p[64];
        struct isk_payloads l;
        for (size_t i = 0; i < sizeof p; i++) {
            x = x * 1664525u + 1013904223u;
            p[i] = (uint8_t)(x >> 24);
        }
        good += isk_payloads_read(ISP_ID, p, sizeof p, true, &l) == 0;
    }
    assert_true(good < 5);
}

static void bounds(void **state)
{
    uint8_t buf[4096];
    struct ike_writer w = ike_writer_make(buf, sizeof buf);
    struct isk_payloads l;
    (void)state;
    for (int i = 0; i <= ISK_PAYLOADS_MAX; i++)
        ike_w_payload(&w, ISP_VENDOR, "x", 1);
    assert_int_equal(isk_payloads_read(w.first, buf, w.w.len, false, &l), -EBADMSG);

    /* more transforms than we keep: those that we keep are right */
    w = ike_writer_make(buf, sizeof buf);
    struct isk_sa_w s = isk_w_sa_begin(&w);
    for (int p = 0; p < 2; p++) {
        isk_w_prop_begin(&s, 1, ISPROTO_ISAKMP, NULL);
        for (int i = 0; i < 200; i++) {
            isk_w_xform_begin(&s, (uint8_t)(i + 1), 1);
            isk_w_xform_end(&s);
        }
        isk_w_prop_end(&s);
    }
    isk_w_sa_end(&s);
    assert_int_equal(isk_payloads_read(w.first, buf, w.w.len, false, &l), 0);
    struct isk_offer *o = malloc(sizeof *o);
    assert_int_equal(isk_offer_read(&l.v[0], o), 0);
    assert_int_equal(o->n_x, ISK_OFFER_XFORMS);
    assert_int_equal(o->prop[1].n, ISK_OFFER_XFORMS - 200);
    free(o);
    /* behind the chain only padding, and only where there may be some */
    memset(buf + w.w.len, 0, 8);
    assert_int_equal(isk_payloads_read(w.first, buf, w.w.len + 8, true, &l), 0);
    assert_int_equal(l.used, w.w.len);
    assert_int_equal(isk_payloads_read(w.first, buf, w.w.len + 8, false, &l), -EBADMSG);
}

/* RFC 2408 §3.1: bits that are not used are zero. */
static void flags(void **state)
{
    uint8_t buf[1024];
    size_t len = everything(buf, sizeof buf);
    struct ike_header h;
    (void)state;
    for (unsigned f = 0; f < 256; f++) {
        buf[19] = (uint8_t)f;
        assert_int_equal(isk_header_read(buf, len, &h), f < 4 ? 0 : -EBADMSG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(identities),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_changed_byte),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(bounds),
        cmocka_unit_test(flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
