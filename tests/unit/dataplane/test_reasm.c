/* Reassembly of the box's own packets, alone. */
#include <stdio.h>
#include "support.h"
#include "dataplane/frag.h"
#include "dataplane/reasm.h"
#include <netinet/in.h>

struct bench {
    struct reasm *r;
    struct pktvec *v;
    usec_t now;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    if (!b)
        return -1;
    b->r = reasm_new();
    b->v = pktvec_new();
    b->now = USEC_PER_SEC;
    *state = b;
    return b->r && b->v ? 0 : -1;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    reasm_free(b->r);
    pktvec_free(b->v);
    free(b);
    return 0;
}

static void identify(uint8_t *p, uint16_t id)
{
    p[4] = (uint8_t)(id >> 8);
    p[5] = (uint8_t)id;
    ip_retitle(p, IP4_HLEN, p[9], (uint32_t)p[2] << 8 | p[3]);
}

/* Cuts whole[len] for an MTU into the packets of v. Returns how many there are. */
static size_t pieces4(struct bench *b, const uint8_t *whole, uint32_t len, uint32_t mtu)
{
    struct frag f;
    const uint8_t *data;
    size_t n = 0;
    assert_true(frag_begin(&f, whole, len, mtu));
    for (uint32_t k; (k = frag_next(&f, &data)); n++) {
        struct pkt *p = &b->v->p[n];
        assert_true(n < PKT_BATCH);
        pkt_reset(p);
        memcpy(p->data, f.header, f.hlen);
        memcpy(p->data + f.hlen, data, k);
        p->len = f.hlen + k;
    }
    return n;
}

/* … an IPv6 packet without extension headers. */
static size_t pieces6(struct bench *b, const uint8_t *whole, uint32_t len, uint32_t step,
                      uint32_t id)
{
    size_t n = 0;
    for (uint32_t at = 0; at < len - IP6_HLEN; at += step, n++) {
        struct pkt *p = &b->v->p[n];
        uint32_t k = len - IP6_HLEN - at < step ? len - IP6_HLEN - at : step;
        uint32_t word = at | (at + k < len - IP6_HLEN);
        pkt_reset(p);
        memcpy(p->data, whole, IP6_HLEN);
        struct wbuf w = wbuf_make(p->data + IP6_HLEN, 8);
        wbuf_u8(&w, whole[6]);
        wbuf_u8(&w, 0);
        wbuf_u16(&w, (uint16_t)word);
        wbuf_u32(&w, id);
        p->len = IP6_HLEN + 8 + k;
        ip_retitle(p->data, IP6_HLEN, 44, p->len);
        memcpy(p->data + IP6_HLEN + 8, whole + IP6_HLEN + at, k);
    }
    return n;
}

/* Only the last of n pieces brings the whole. */
static void become(struct bench *b, size_t n, const uint8_t *whole, uint32_t len)
{
    for (size_t i = 0; i < n; i++) {
        struct pkt *p = &b->v->p[i];
        assert_true(reasm_is_piece(p->data));
        assert_int_equal(reasm_add(b->r, p, b->now), i == n - 1);
    }
    const struct pkt *p = &b->v->p[n - 1];
    assert_int_equal(p->len, len);
    assert_memory_equal(p->data, whole, len);
    assert_false(reasm_is_piece(p->data));
    assert_int_equal(reasm_expire(b->r, b->now), 0);
}

static void pieces_become_the_whole(void **state)
{
    struct bench *b = *state;
    static uint8_t whole[65535];
    static const uint16_t lens[] = {600, 1480, 4028, 9000};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        make_ip4(whole, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 1, 2, lens[i]);
        identify(whole, (uint16_t)i);
        become(b, pieces4(b, whole, lens[i], 576), whole, lens[i]);
        make_ip6(whole, "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 1, 2, lens[i]);
        become(b, pieces6(b, whole, lens[i], 552, (uint32_t)i), whole, lens[i]);
    }
    make_ip4(whole, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 1, 2, 65535);
    identify(whole, 99);
    become(b, pieces4(b, whole, 65535, 1500), whole, 65535); /* the longest there is */
}

/* An atomic fragment (RFC 6946) is whole at once. */
static void one_piece(void **state)
{
    struct bench *b = *state;
    uint8_t whole[100];
    make_ip6(whole, "2001:db8::1", "2001:db8::2", IPPROTO_UDP, 1, 2, 100);
    become(b, pieces6(b, whole, 100, 1000, 7), whole, 100);
}

static void others_come_between(void **state)
{
    struct bench *b = *state;
    uint8_t one[1000], two[1000];
    struct pktvec *v = b->v, *other = pktvec_new();
    assert_non_null(other);
    make_ip4(one, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 1, 2, 1000);
    make_ip4(two, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 3, 4, 1000);
    identify(one, 1);
    identify(two, 2);
    assert_int_equal(pieces4(b, one, 1000, 600), 2);
    b->v = other;
    assert_int_equal(pieces4(b, two, 1000, 600), 2);
    b->v = v;
    assert_false(reasm_add(b->r, &v->p[0], b->now));
    assert_false(reasm_add(b->r, &other->p[0], b->now));
    assert_true(reasm_add(b->r, &v->p[1], b->now));
    assert_true(reasm_add(b->r, &other->p[1], b->now));
    assert_memory_equal(v->p[1].data, one, 1000);
    assert_memory_equal(other->p[1].data, two, 1000);
    pktvec_free(other);
}

/* Whatever does not go on where the one before ended ends the packet: nothing overlaps. */
static void out_of_order(void **state)
{
    struct bench *b = *state;
    uint8_t whole[2000];
    struct pkt *p = b->v->p;
    make_ip4(whole, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 1, 2, 2000);
    assert_int_equal(pieces4(b, whole, 2000, 600), 4);
    assert_false(reasm_add(b->r, &p[1], b->now)); /* no first one */
    assert_int_equal(reasm_expire(b->r, b->now), 1);
    assert_false(reasm_add(b->r, &p[0], b->now));
    assert_false(reasm_add(b->r, &p[2], b->now)); /* one is missing: both are lost */
    assert_int_equal(reasm_expire(b->r, b->now), 2);
    assert_false(reasm_add(b->r, &p[3], b->now)); /* and what follows */
    assert_int_equal(reasm_expire(b->r, b->now), 1);
    assert_false(reasm_add(b->r, &p[0], b->now));
    assert_false(reasm_add(b->r, &p[1], b->now));
    assert_false(reasm_add(b->r, &p[1], b->now)); /* twice */
    assert_int_equal(reasm_expire(b->r, b->now), 3);
    assert_false(reasm_add(b->r, &p[0], b->now));
    assert_false(reasm_add(b->r, &p[0], b->now)); /* begins anew */
    assert_int_equal(reasm_expire(b->r, b->now), 1);
    assert_false(reasm_add(b->r, &p[1], b->now));
    assert_false(reasm_add(b->r, &p[2], b->now));
    assert_true(reasm_add(b->r, &p[3], b->now));
    assert_int_equal(reasm_expire(b->r, b->now), 0);
    assert_memory_equal(p[3].data, whole, 2000);
}

/* A sum of lengths that no IP packet has. */
static void too_long(void **state)
{
    struct bench *b = *state;
    struct pkt *p = &b->v->p[0];
    uint32_t step = 60000 / 8 * 8;
    for (uint32_t at = 0; at <= step; at += step) {
        pkt_reset(p);
        make_ip4(p->data, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 1, 2,
                 (uint16_t)(IP4_HLEN + (at ? 6000 : step)));
        p->len = IP4_HLEN + (at ? 6000 : step);
        p->data[6] = (uint8_t)((at ? 0 : 0x20) | at / 8 >> 8);
        p->data[7] = (uint8_t)(at / 8);
        assert_true(reasm_is_piece(p->data));
        assert_false(reasm_add(b->r, p, b->now));
    }
    assert_int_equal(reasm_expire(b->r, b->now), 2);
}

static void bounds(void **state)
{
    struct bench *b = *state;
    uint8_t whole[1000];
    make_ip4(whole, "192.0.2.1", "192.0.2.2", IPPROTO_UDP, 1, 2, 1000);
    for (uint16_t i = 0; i < REASM_SLOTS + 3; i++) { /* the oldest go */
        identify(whole, i);
        assert_int_equal(pieces4(b, whole, 1000, 600), 2);
        assert_false(reasm_add(b->r, &b->v->p[0], ++b->now));
    }
    assert_int_equal(reasm_expire(b->r, b->now), 3);
    identify(whole, 2);
    pieces4(b, whole, 1000, 600);
    assert_false(reasm_add(b->r, &b->v->p[1], b->now));
    assert_int_equal(reasm_expire(b->r, b->now), 1);
    identify(whole, 3);
    pieces4(b, whole, 1000, 600);
    assert_true(reasm_add(b->r, &b->v->p[1], b->now));
    assert_int_equal(reasm_expire(b->r, b->now), 0);
    assert_int_equal(reasm_expire(b->r, b->now + REASM_AGE), REASM_SLOTS - 1);
    assert_int_equal(reasm_expire(b->r, b->now + REASM_AGE), 0);
    identify(whole, 5);
    pieces4(b, whole, 1000, 600);
    assert_false(reasm_add(b->r, &b->v->p[1], b->now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_become_the_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(one_piece, setup, teardown),
        cmocka_unit_test_setup_teardown(others_come_between, setup, teardown),
        cmocka_unit_test_setup_teardown(out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
