/* SSO messages: there and back, and everything that is none is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/sso/wire.h"
#include "lib/str.h"
#include <errno.h>
#include <string.h>

static uint8_t bytes[65536];

static size_t written(const struct sso_message *m)
{
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    assert_int_equal(sso_wire_write(&w, m), 0);
    return w.len;
}

/* Each shorter one and one that is longer. */
static void only_whole(size_t n)
{
    struct sso_message got;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(sso_wire_read(bytes, i, &got), -EPROTO);
    bytes[n] = 0;
    assert_int_equal(sso_wire_read(bytes, n + 1, &got), -EPROTO);
    assert_int_equal(sso_wire_read(bytes, n, &got), 0);
}

static struct sso_message hello(void)
{
    struct sso_message m = {.type = SSO_HELLO, .epoch = 0xfffffffe};
    str_copy(m.hello.version, sizeof(m.hello.version), "0.9-12-gabcdef");
    m.hello.boot = UINT64_C(0x1122334455667788);
    m.hello.state = RF_STANDBY_HOT;
    m.hello.holds = true;
    m.hello.mono = INT64_C(123456789012345);
    m.hello.n_section = 2;
    str_copy(m.hello.section[0].name, sizeof(m.hello.section[0].name), "isakmp policy");
    str_copy(m.hello.section[1].name, sizeof(m.hello.section[1].name), "crypto map");
    memset(m.hello.section[0].digest, 0xaa, SSO_DIGEST);
    memset(m.hello.section[1].digest, 0x55, SSO_DIGEST);
    return m;
}

static void a_hello(void **state)
{
    struct sso_message m = hello(), got;
    (void)state;
    size_t n = written(&m);
    only_whole(n);
    assert_int_equal(sso_wire_read(bytes, n, &got), 0);
    assert_int_equal(got.type, SSO_HELLO);
    assert_int_equal(got.epoch, m.epoch);
    assert_string_equal(got.hello.version, m.hello.version);
    assert_int_equal(got.hello.boot, m.hello.boot);
    assert_int_equal(got.hello.state, RF_STANDBY_HOT);
    assert_true(got.hello.holds);
    assert_int_equal(got.hello.mono, m.hello.mono);
    assert_int_equal(got.hello.n_section, 2);
    assert_string_equal(got.hello.section[1].name, "crypto map");
    assert_memory_equal(got.hello.section[1].digest, m.hello.section[1].digest, SSO_DIGEST);
}

static void a_hello_that_lies(void **state)
{
    struct sso_message m = hello(), got;
    (void)state;
    size_t n = written(&m);
    bytes[SSO_HEADER] = 0; /* state */
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
    bytes[SSO_HEADER] = RF_ACTIVE + 1;
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
    n = written(&m);
    bytes[SSO_HEADER + 10 + 3] = '\n'; /* the version goes to the screen */
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
    n = written(&m);
    memset(bytes + SSO_HEADER + 10, 'x', 32); /* without an end */
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
    n = written(&m);
    bytes[SSO_HEADER + 10 + 32 + 8] = SSO_SECTIONS + 1;
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
}

static void small_ones(void **state)
{
    const struct sso_message all[] = {
        {.type = SSO_STATE, .epoch = 3, .hello = {.state = RF_ACTIVE, .holds = false, .mono = 77}},
        {.type = SSO_BULK_BEGIN, .epoch = 3, .number = 12},
        {.type = SSO_BULK_END, .epoch = 3, .number = UINT64_MAX},
        {.type = SSO_ACK, .epoch = 4, .number = 99},
        {.type = SSO_SWITCH, .epoch = 4, .step = SSO_SWITCH_LATE},
        {.type = SSO_BYE, .epoch = 5, .bye = SSO_BYE_FENCED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct sso_message got;
        size_t n = written(&all[i]);
        only_whole(n);
        assert_int_equal(sso_wire_read(bytes, n, &got), 0);
        assert_int_equal(got.type, all[i].type);
        assert_int_equal(got.epoch, all[i].epoch);
        assert_int_equal(got.number, all[i].number);
        assert_int_equal(got.hello.state, all[i].hello.state);
        assert_int_equal(got.hello.mono, all[i].hello.mono);
        assert_int_equal(got.bye, all[i].bye);
    }
    struct sso_message got, m = {.type = SSO_SWITCH, .step = SSO_SWITCH_STEPS};
    assert_int_equal(sso_wire_read(bytes, written(&m), &got), -EPROTO);
    m.step = 0;
    assert_int_equal(sso_wire_read(bytes, written(&m), &got), -EPROTO);
    m.type = (enum sso_type)SSO_TYPES;
    assert_int_equal(sso_wire_read(bytes, written(&m), &got), -EPROTO);
}

static void headers(void **state)
{
    struct sso_message m = {.type = SSO_ACK, .number = 1}, got;
    (void)state;
    size_t n = written(&m);
    bytes[0] ^= 1;
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
    bytes[0] ^= 1;
    bytes[4]++; /* the format's version */
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTONOSUPPORT);
    bytes[4]--;
    bytes[7] = 1;
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
    bytes[7] = 0;
    memset(bytes + 12, 0xff, 4); /* a length that nobody has */
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
}

static size_t records(const struct sso_item *v, size_t n)
{
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    sso_wire_begin(&w, SSO_RECORDS, 9);
    for (size_t i = 0; i < n; i++) {
        size_t before = w.len;
        sso_wire_add_item(&w, &v[i]);
        assert_int_equal(w.len - before, sso_wire_item_size(&v[i]));
    }
    sso_wire_end(&w);
    assert_false(w.bad);
    return w.len;
}

static void items(void **state)
{
    const struct sso_item all[] = {
        {.op = SSO_PUT,
         .kind = SSO_IKE,
         .number = 5,
         .key = UINT64_MAX,
         .total = 10,
         .offset = 4,
         .len = 6,
         .p = (const uint8_t *)"abcdef"},
        {.op = SSO_REMOVE, .kind = SSO_SA, .number = 6, .key = 17},
        {.op = SSO_LEASE, .number = 7, .key = 18, .ceiling = 100000, .limit = UINT64_MAX},
        {.op = SSO_EXACT, .number = 8, .key = 19, .ceiling = 4711, .limit = 5000},
    };
    struct sso_message got;
    struct sso_item i;
    (void)state;
    size_t n = records(all, 4);
    only_whole(n);
    assert_int_equal(sso_wire_read(bytes, n, &got), 0);
    for (unsigned k = 0; k < 4; k++) {
        assert_true(sso_wire_item(&got.items, &i));
        assert_int_equal(i.op, all[k].op);
        assert_int_equal(i.kind, all[k].kind);
        assert_int_equal(i.number, all[k].number);
        assert_int_equal(i.key, all[k].key);
        assert_int_equal(i.total, all[k].total);
        assert_int_equal(i.offset, all[k].offset);
        assert_int_equal(i.len, all[k].len);
        if (i.len)
            assert_memory_equal(i.p, all[k].p, i.len);
        assert_int_equal(i.ceiling, all[k].ceiling);
        assert_int_equal(i.limit, all[k].limit);
    }
    assert_false(sso_wire_item(&got.items, &i));
    assert_int_equal(sso_wire_read(bytes, records(NULL, 0), &got), 0);
}

static void bad_items(void **state)
{
    static const uint8_t byte = 1;
    const struct sso_item good = {
        .op = SSO_PUT, .kind = SSO_SA, .number = 1, .key = 1, .total = 1, .len = 1, .p = &byte};
    struct sso_message got;
    struct sso_item i[10];
    (void)state;
    for (unsigned k = 0; k < 10; k++)
        i[k] = good;
    i[0].kind = (enum sso_kind)0;
    i[1].kind = SSO_KINDS;
    i[2].number = 0;
    i[3].total = 0;
    i[4].total = SSO_RECORD_MOST + 1;
    i[5].offset = 1; /* behind its end */
    i[6].total = UINT32_MAX;
    i[6].offset = UINT32_MAX - 1;
    i[7].op = (enum sso_op)(SSO_EXACT + 1);
    i[8] = (struct sso_item){.op = SSO_LEASE, .number = 1};
    i[9] = (struct sso_item){.op = SSO_LEASE, .number = 1, .key = UINT64_C(1) << 32};
    assert_int_equal(sso_wire_read(bytes, records(&good, 1), &got), 0);
    for (unsigned k = 0; k < 10; k++)
        assert_int_equal(sso_wire_read(bytes, records(&i[k], 1), &got), -EPROTO);
    /* a length beyond the message */
    size_t n = records(&good, 1);
    bytes[n - 2] = 9;
    assert_int_equal(sso_wire_read(bytes, n, &got), -EPROTO);
}

static void moved(void **state)
{
    const struct sso_moved all[] = {{.sa = 1, .value = 1},
                                    {.sa = INT32_MAX, .value = UINT64_MAX},
                                    {.sa = INT32_MAX, .is_bytes = true, .value = SSO_BYTES_MOST}};
    struct sso_message got;
    struct sso_moved m;
    (void)state;
    struct wbuf w = wbuf_make(bytes, sizeof(bytes));
    sso_wire_begin(&w, SSO_MOVED, 9);
    for (unsigned k = 0; k < 3; k++)
        sso_wire_add_moved(&w, &all[k]);
    sso_wire_end(&w);
    only_whole(w.len);
    assert_int_equal(sso_wire_read(bytes, w.len, &got), 0);
    for (unsigned k = 0; k < 3; k++) {
        assert_true(sso_wire_moved(&got.items, &m));
        assert_int_equal(m.sa, all[k].sa);
        assert_int_equal(m.is_bytes, all[k].is_bytes);
        assert_int_equal(m.value, all[k].value);
    }
    assert_false(sso_wire_moved(&got.items, &m));
    bytes[w.len - 8] = 0x80; /* more bytes than anybody counts */
    assert_int_equal(sso_wire_read(bytes, w.len, &got), -EPROTO);
    bytes[w.len - 8] = 0x7f;
    assert_int_equal(sso_wire_read(bytes, w.len, &got), 0);
    memset(bytes + SSO_HEADER, 0, 4); /* no SA has this number */
    assert_int_equal(sso_wire_read(bytes, w.len, &got), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello),    cmocka_unit_test(a_hello_that_lies),
        cmocka_unit_test(small_ones), cmocka_unit_test(headers),
        cmocka_unit_test(items),      cmocka_unit_test(bad_items),
        cmocka_unit_test(moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
