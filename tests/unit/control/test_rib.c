/* The RIB: sources, distances, floating routes, interfaces that go down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/route/rib.h"
#include "lib/str.h"
#include <string.h>

static struct prefix pfx(const char *a, unsigned len)
{
    struct prefix p = {.len = (uint8_t)len};
    assert_int_equal(addr_parse(a, &p.addr), 0);
    return p;
}

static struct addr adr(const char *a)
{
    return pfx(a, 32).addr;
}

static struct intent_if port(const char *name, const char *addr, unsigned len)
{
    struct intent_if i = {.addr = pfx(addr, len)};
    str_copy(i.name, sizeof i.name, name);
    str_copy(i.nameif, sizeof i.nameif, name);
    return i;
}

static struct intent_route route(const char *ifname, const char *dst, unsigned len, const char *gw,
                                 uint8_t distance)
{
    struct intent_route r = {.dst = pfx(dst, len), .gateway = adr(gw), .distance = distance};
    str_copy(r.ifname, sizeof r.ifname, ifname);
    return r;
}

static const struct query_route *find(const struct rib *r, const char *dst, unsigned len)
{
    struct prefix p = pfx(dst, len);
    for (size_t i = 0; i < r->n; i++)
        if (prefix_cmp(&r->v[i].dst, &p) == 0 && !r->v[i].tunneled)
            return &r->v[i];
    return NULL;
}

/* Objects that are up: bit n. */
static bool tracked(void *ctx, uint32_t number)
{
    return *(const uint32_t *)ctx >> number & 1;
}

static int build_tracked(struct rib *r, const struct rib_if *ifs, size_t n_if,
                         const struct intent_route *v, size_t n, uint32_t up, usec_t now)
{
    const struct rib_in in = {.ifs = ifs, .n_if = n_if, .tracked = tracked, .ctx = &up, .now = now};
    assert_int_equal(rib_set_static(r, v, n), 0);
    return rib_build(r, &in);
}

static int build(struct rib *r, const struct rib_if *ifs, size_t n_if, const struct intent_route *v,
                 size_t n, usec_t now)
{
    return build_tracked(r, ifs, n_if, v, n, 0, now);
}

/* VPN-PEER-2 of seed 000. */
struct seed {
    struct intent_if port[3];
    struct rib_if ifs[3];
    struct intent_route routes[2];
};

static void seed(struct seed *s)
{
    s->port[0] = port("Gi0/0", "203.0.113.1", 24);
    s->port[1] = port("Gi0/1", "198.51.100.1", 24);
    s->port[2] = port("Gi0/2", "192.168.10.2", 24);
    for (int i = 0; i < 3; i++)
        s->ifs[i] = (struct rib_if){.ifp = &s->port[i], .up = true};
    s->routes[0] = route("Gi0/0", "0.0.0.0", 0, "203.0.113.2", 1);
    s->routes[1] = route("Gi0/1", "0.0.0.0", 0, "198.51.100.2", 254);
}

static void sources_and_order(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    assert_int_equal(build(&r, s.ifs, 3, s.routes, 2, 100), 0);
    assert_int_equal(r.n, 7); /* one default, three connected, three local */
    for (size_t i = 1; i < r.n; i++)
        assert_true(prefix_cmp(&r.v[i - 1].dst, &r.v[i].dst) < 0);
    const struct query_route *c = find(&r, "192.168.10.0", 24), *l = find(&r, "192.168.10.2", 32);
    assert_int_equal(c->source, RIB_CONNECTED);
    assert_int_equal(l->source, RIB_LOCAL);
    assert_ptr_equal(l->ifp, &s.port[2]);
    assert_false(addr_is_set(&c->gateway));
    rib_free(&r);
}

static void floating_static(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    build(&r, s.ifs, 3, s.routes, 2, 100);
    const struct query_route *d = find(&r, "0.0.0.0", 0);
    assert_int_equal(d->distance, 1);
    assert_ptr_equal(d->ifp, &s.port[0]);
    assert_int_equal(d->since, 100);

    s.ifs[0].up = false; /* takes its connected, local and static routes along */
    build(&r, s.ifs, 3, s.routes, 2, 200);
    d = find(&r, "0.0.0.0", 0);
    assert_int_equal(d->distance, 254);
    assert_ptr_equal(d->ifp, &s.port[1]);
    assert_int_equal(d->since, 200);
    assert_null(find(&r, "203.0.113.0", 24));
    assert_null(find(&r, "203.0.113.1", 32));
    assert_int_equal(find(&r, "192.168.10.0", 24)->since, 100); /* what stays keeps its age */

    s.ifs[0].up = true;
    build(&r, s.ifs, 3, s.routes, 2, 300);
    assert_int_equal(find(&r, "0.0.0.0", 0)->distance, 1);
    assert_int_equal(find(&r, "0.0.0.0", 0)->since, 300);
    rib_free(&r);
}

static void what_is_not_used(void **state)
{
    struct seed s;
    struct rib r = {0};
    struct intent_route bad[4];
    (void)state;
    seed(&s);
    bad[0] = route("Gi0/0", "10.0.0.0", 8, "9.9.9.9", 1);      /* gateway not on the interface */
    bad[1] = route("Gi0/9", "10.1.0.0", 16, "203.0.113.2", 1); /* no such interface */
    bad[2] = route("Gi0/0", "10.2.0.0", 16, "203.0.113.2", 255);
    bad[3] = route("Gi0/0", "203.0.113.0", 24, "203.0.113.2", 1); /* connected is better */
    assert_int_equal(build(&r, s.ifs, 3, bad, 4, 1), 0);
    assert_int_equal(r.n, 6);
    assert_int_equal(find(&r, "203.0.113.0", 24)->source, RIB_CONNECTED);
    rib_free(&r);
}

static void equals_unnamed_tunneled(void **state)
{
    struct seed s;
    struct rib r = {0};
    struct intent_route v[4];
    (void)state;
    seed(&s);
    v[0] = route("Gi0/1", "10.0.0.0", 8, "198.51.100.2", 5);
    v[1] = route("Gi0/0", "10.0.0.0", 8, "203.0.113.2", 5); /* same merit: both */
    v[2] = route("", "172.16.0.0", 12, "203.0.113.77", 1);  /* IOS: by the gateway */
    v[3] = route("Gi0/2", "0.0.0.0", 0, "192.168.10.9", 1);
    v[3].tunneled = true;
    assert_int_equal(build(&r, s.ifs, 3, v, 4, 1), 0);
    assert_ptr_equal(find(&r, "10.0.0.0", 8)->ifp, &s.port[1]);
    assert_ptr_equal(find(&r, "10.0.0.0", 8)[1].ifp, &s.port[0]);
    assert_ptr_equal(find(&r, "172.16.0.0", 12)->ifp, &s.port[0]);
    assert_null(find(&r, "0.0.0.0", 0));
    assert_true(r.v[0].tunneled);
    assert_int_equal(r.v[0].distance, 255);
    rib_free(&r);
}

static void both_families(void **state)
{
    struct intent_if out = port("Gi0/0", "203.0.113.1", 24), lan = port("Gi0/1", "10.0.0.1", 24);
    struct rib r = {0};
    (void)state;
    out.ipv6 = lan.ipv6 = true;
    out.addr6[0] = pfx("2001:db8:f::1", 64);
    out.n_addr6 = 1;
    lan.addr6[0] = pfx("2001:db8:a::1", 64);
    lan.addr6[1] = pfx("2001:db8:b::1", 128);
    lan.n_addr6 = 2;
    struct rib_if ifs[] = {{.ifp = &out, .up = true, .up6 = 1, .link6 = true},
                           {.ifp = &lan, .up = true, .up6 = 3, .link6 = true}};
    struct intent_route v[] = {route("Gi0/0", "::", 0, "2001:db8:f::2", 1),
                               route("Gi0/1", "2001:db8:c::", 48, "fe80::1", 5),
                               route("Gi0/1", "2001:db8:d::", 48, "2001:db8:f::2", 1),
                               route("", "2001:db8:e::", 48, "fe80::1", 1)};
    assert_int_equal(build(&r, ifs, 2, v, 4, 1), 0);
    /* of each: connected and local; a host address is one route; two statics can be used */
    assert_int_equal(r.n, 2 * 2 + 2 * 2 + 1 + 2);
    assert_int_equal(find(&r, "2001:db8:a::1", 128)->source, RIB_LOCAL);
    assert_int_equal(find(&r, "2001:db8:b::1", 128)->source, RIB_CONNECTED);
    assert_ptr_equal(find(&r, "::", 0)->ifp, &out);
    assert_int_equal(find(&r, "2001:db8:c::", 48)->distance, 5);
    assert_null(find(&r, "2001:db8:d::", 48)); /* its gateway is elsewhere */
    assert_null(find(&r, "2001:db8:e::", 48)); /* an address of which link? */
    ifs[0].up6 = 0;                            /* its IPv6 address has gone, the other has not */
    ifs[1].link6 = false;
    assert_int_equal(build(&r, ifs, 2, v, 4, 2), 0);
    assert_null(find(&r, "::", 0));
    assert_null(find(&r, "2001:db8:c::", 48));
    assert_non_null(find(&r, "203.0.113.0", 24));
    rib_free(&r);
}

/* The route of an SA: its gateway is the peer, wherever that is, and leaves by the map's interface;
 * the kernel's next hop is the neighbour on the way to it. */
static void routes_of_sas(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    struct intent_route v[4] = {s.routes[0], s.routes[1],
                                route("Gi0/0", "10.9.0.0", 16, "192.0.2.1", 1),
                                route("Gi0/0", "10.8.0.0", 16, "203.0.113.7", 1)};
    v[2].vpn = v[3].vpn = true;
    v[2].tag = 7;
    assert_int_equal(build(&r, s.ifs, 3, v, 4, 1), 0);
    const struct query_route *far = find(&r, "10.9.0.0", 16), *near = find(&r, "10.8.0.0", 16);
    assert_non_null(far);
    assert_int_equal(far->source, RIB_VPN);
    assert_int_equal(far->tag, 7);
    struct addr peer = adr("192.0.2.1"), hop = adr("203.0.113.2");
    assert_true(addr_eq(&far->gateway, &peer) && addr_eq(&far->hop, &hop));
    assert_non_null(near);
    assert_false(addr_is_set(&near->hop));
    s.ifs[0].up = false;
    assert_int_equal(build(&r, s.ifs, 3, v, 4, 2), 0);
    assert_null(find(&r, "10.9.0.0", 16));
    rib_free(&r);
}

/* Each secondary address that is there makes its own connected and local routes. */
static void secondary_addresses(void **state)
{
    struct intent_if lan = port("Gi0/1", "10.0.0.1", 24);
    struct rib r = {0};
    (void)state;
    lan.addr2[0] = pfx("10.0.0.2", 24);
    lan.addr2[1] = pfx("10.0.1.1", 24);
    lan.n_addr2 = 2;
    struct rib_if ifs[] = {{.ifp = &lan, .up = true, .up2 = 3}};
    struct intent_route v[] = {route("", "10.9.0.0", 16, "10.0.1.7", 1)};
    assert_int_equal(build(&r, ifs, 1, v, 1, 1), 0);
    assert_int_equal(r.n, 1 + 3 + 1 + 1); /* one network twice, another, three own addresses */
    assert_non_null(find(&r, "10.9.0.0", 16));
    ifs[0].up2 = 1;
    assert_int_equal(build(&r, ifs, 1, v, 1, 2), 0);
    assert_null(find(&r, "10.0.1.0", 24));
    assert_null(find(&r, "10.9.0.0", 16));
    rib_free(&r);
}

/* A gateway behind another static route, in any order, as long as that one holds. */
static void recursive_routes(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    struct intent_route v[] = {route("", "10.3.0.0", 16, "10.2.0.1", 1),
                               route("", "10.2.0.0", 16, "10.1.0.1", 1),
                               route("", "10.1.0.0", 16, "203.0.113.9", 1),
                               route("", "10.4.0.0", 16, "10.4.0.1", 1),
                               route("", "10.3.0.0", 16, "192.168.10.9", 5)};
    for (unsigned i = 0; i < 5; i++)
        v[i].recursive = true;
    struct addr hop = adr("203.0.113.9");
    assert_int_equal(build(&r, s.ifs, 3, v, 5, 1), 0);
    assert_true(addr_eq(&find(&r, "10.2.0.0", 16)->hop, &hop));
    assert_true(addr_eq(&find(&r, "10.3.0.0", 16)->hop, &hop));
    assert_int_equal(find(&r, "10.3.0.0", 16)->distance, 1);
    assert_ptr_equal(find(&r, "10.3.0.0", 16)->ifp, &s.port[0]);
    assert_null(find(&r, "10.4.0.0", 16)); /* a gateway behind its own route */
    s.ifs[0].up = false;
    assert_int_equal(build(&r, s.ifs, 3, v, 5, 2), 0);
    assert_null(find(&r, "10.2.0.0", 16));
    assert_int_equal(find(&r, "10.3.0.0", 16)->distance, 5); /* the floating one takes over */
    assert_false(addr_is_set(&find(&r, "10.3.0.0", 16)->hop));
    rib_free(&r);
}

/* Null0 is always there, and leads nobody anywhere. */
static void discarded(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    struct intent_route v[] = {route("", "10.0.0.0", 8, "0.0.0.0", 1),
                               route("", "10.7.0.0", 16, "10.1.2.3", 1)};
    v[0].gateway = (struct addr){0};
    v[0].discard = v[1].recursive = true;
    assert_int_equal(build(&r, s.ifs, 3, v, 2, 1), 0);
    assert_non_null(find(&r, "10.0.0.0", 8));
    assert_null(find(&r, "10.0.0.0", 8)->ifp);
    assert_null(find(&r, "10.7.0.0", 16));
    rib_free(&r);
}

/* Routes of equal cost stand together, in their order, as many as the platform takes. */
static void equal_cost(void **state)
{
    struct seed s;
    struct rib r = {0};
    struct intent_route v[6];
    (void)state;
    seed(&s);
    for (unsigned i = 0; i < 6; i++) {
        v[i] = route("Gi0/0", "10.0.0.0", 8, "203.0.113.10", 1);
        v[i].gateway.b[3] = (uint8_t)(20 - i);
    }
    v[1].track = 3;
    assert_int_equal(build(&r, s.ifs, 3, v, 6, 1), 0);
    const struct query_route *d = find(&r, "10.0.0.0", 8);
    assert_int_equal(r.n, 6 + RIB_PATHS);
    assert_int_equal(d[0].gateway.b[3], 20);
    assert_int_equal(d[1].gateway.b[3], 18); /* the one between follows an object that is down */
    assert_ptr_equal(rib_lookup(&r, &v[0].dst.addr), d);
    assert_int_equal(build_tracked(&r, s.ifs, 3, v, 6, 8, 2), 0);
    d = find(&r, "10.0.0.0", 8);
    assert_int_equal(d[1].gateway.b[3], 19);
    assert_int_equal(d[0].since, 1);
    assert_int_equal(d[1].since, 2);
    assert_int_equal(r.n_moved, 1);
    rib_free(&r);
}

/* Seed 000: the primary default route while its object is up, the floating one while it is not. */
static void tracked_routes(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    s.routes[0].track = 1;
    assert_int_equal(build_tracked(&r, s.ifs, 3, s.routes, 2, 2, 1), 0);
    assert_int_equal(find(&r, "0.0.0.0", 0)->distance, 1);
    assert_int_equal(build_tracked(&r, s.ifs, 3, s.routes, 2, 0, 2), 0);
    assert_int_equal(find(&r, "0.0.0.0", 0)->distance, 254);
    assert_int_equal(build_tracked(&r, s.ifs, 3, s.routes, 2, 2, 3), 0);
    assert_int_equal(find(&r, "0.0.0.0", 0)->distance, 1);
    rib_free(&r);
}

/* A permanent route stays once it was there, without leading anywhere; not before. */
static void permanent_routes(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    struct intent_route v[] = {route("", "10.1.0.0", 16, "203.0.113.9", 1),
                               route("Gi0/1", "10.1.0.0", 16, "198.51.100.9", 5),
                               route("", "10.2.0.0", 16, "203.0.113.9", 1)};
    v[0].permanent = v[0].recursive = true;
    s.ifs[0].up = false;
    assert_int_equal(build(&r, s.ifs, 3, v, 3, 1), 0);
    assert_int_equal(find(&r, "10.1.0.0", 16)->distance, 5);
    s.ifs[0].up = true;
    assert_int_equal(build(&r, s.ifs, 3, v, 3, 2), 0);
    assert_false(find(&r, "10.1.0.0", 16)->held);
    for (usec_t now = 3; now < 5; now++) {
        s.ifs[0].up = false;
        assert_int_equal(build(&r, s.ifs, 3, v, 3, now), 0);
        assert_true(find(&r, "10.1.0.0", 16)->held);
        assert_int_equal(find(&r, "10.1.0.0", 16)->distance, 1);
        assert_int_equal(find(&r, "10.1.0.0", 16)->since, 2);
        assert_ptr_equal(find(&r, "10.1.0.0", 16)->ifp, &s.port[0]);
        assert_null(find(&r, "10.2.0.0", 16));
    }
    assert_int_equal(r.n_moved, 0);
    rib_free(&r);
}

/* Routes that lead to each other's gateways: found by the default route at first, they would hold
 * each other up. What is taken out comes back when the circle is open. */
static void circles(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    struct intent_route v[] = {route("", "10.0.0.0", 8, "172.16.0.1", 1),
                               route("", "172.16.0.0", 12, "192.0.2.77", 1),
                               route("", "192.0.2.0", 24, "10.0.0.1", 1),
                               route("", "11.7.0.0", 16, "11.7.0.1", 1), /* behind itself only */
                               route("Gi0/1", "0.0.0.0", 0, "198.51.100.2", 1)};
    for (unsigned i = 0; i < 4; i++)
        v[i].recursive = true;
    assert_int_equal(build(&r, s.ifs, 3, v, 5, 1), 0);
    assert_true(r.looped);
    assert_null(find(&r, "10.0.0.0", 8));
    assert_non_null(find(&r, "172.16.0.0", 12));
    assert_non_null(find(&r, "192.0.2.0", 24));
    assert_non_null(find(&r, "11.7.0.0", 16));
    v[2].gateway = adr("192.168.10.5");
    assert_int_equal(build(&r, s.ifs, 3, v, 5, 2), 0);
    assert_false(r.looped);
    struct addr hop = adr("192.168.10.5");
    assert_true(addr_eq(&find(&r, "10.0.0.0", 8)->hop, &hop));
    assert_int_equal(build(&r, s.ifs, 3, v, 4, 3), 0); /* without the default route */
    assert_null(find(&r, "11.7.0.0", 16));
    assert_non_null(find(&r, "10.0.0.0", 8));
    rib_free(&r);
}

/* Many routes in circles end as others do: with a table. */
static void many_circles(void **state)
{
    enum { N = 200 };
    struct seed s;
    struct rib r = {0};
    struct intent_route v[N + 1];
    (void)state;
    seed(&s);
    for (unsigned i = 0; i < N; i++) {
        v[i] = route("", "10.0.0.0", 16, "10.0.0.1", 1);
        v[i].dst.addr.b[1] = (uint8_t)i;
        v[i].gateway.b[1] = (uint8_t)(i ^ 1); /* of its neighbour, and that of it */
        v[i].recursive = true;
    }
    v[N] = route("Gi0/1", "0.0.0.0", 0, "198.51.100.2", 1);
    assert_int_equal(build(&r, s.ifs, 3, v, N + 1, 1), 0);
    assert_true(r.looped);
    assert_non_null(find(&r, "0.0.0.0", 0));
    rib_free(&r);
}

static void way_is(const struct rib *r, const char *to, const char *dst, unsigned len)
{
    struct addr a = adr(to);
    const struct query_route *q = rib_lookup(r, &a);
    struct prefix p = pfx(dst, len);
    assert_non_null(q);
    assert_int_equal(prefix_cmp(&q->dst, &p), 0);
}

static bool moved(const struct rib *r, const char *to)
{
    struct addr a = adr(to);
    return rib_moved(r, &a);
}

static void lookups_and_moves(void **state)
{
    struct seed s;
    struct rib r = {0};
    (void)state;
    seed(&s);
    struct intent_route v[] = {s.routes[0],
                               s.routes[1],
                               route("Gi0/2", "10.0.0.0", 8, "192.168.10.9", 1),
                               route("Gi0/1", "10.1.0.0", 16, "198.51.100.9", 1),
                               route("Gi0/2", "10.1.1.0", 24, "192.168.10.9", 1),
                               route("Gi0/2", "0.0.0.0", 0, "192.168.10.9", 1)};
    v[5].tunneled = true;
    assert_int_equal(build(&r, s.ifs, 3, v, 6, 1), 0);
    assert_true(moved(&r, "10.1.1.7"));
    way_is(&r, "10.1.1.7", "10.1.1.0", 24);
    way_is(&r, "10.1.2.7", "10.1.0.0", 16);
    way_is(&r, "10.2.0.0", "10.0.0.0", 8);
    way_is(&r, "11.0.0.0", "0.0.0.0", 0);
    way_is(&r, "9.255.255.255", "0.0.0.0", 0);
    way_is(&r, "203.0.113.1", "203.0.113.1", 32);
    way_is(&r, "203.0.113.2", "203.0.113.0", 24);
    assert_int_equal(build(&r, s.ifs, 3, v, 6, 2), 0);
    assert_int_equal(r.n_moved, 0);
    assert_int_equal(r.builds, 1);
    s.ifs[1].up = false;
    assert_int_equal(build(&r, s.ifs, 3, v, 6, 3), 0);
    assert_true(moved(&r, "10.1.1.7")); /* around it something did; its own way is the same */
    assert_true(moved(&r, "10.1.2.7"));
    assert_true(moved(&r, "198.51.100.9"));
    assert_false(moved(&r, "10.2.0.1"));
    assert_false(moved(&r, "8.8.8.8"));
    way_is(&r, "10.1.2.7", "10.0.0.0", 8);
    s.ifs[0].up = false;
    assert_int_equal(build(&r, s.ifs, 3, v, 6, 4), 0);
    assert_true(moved(&r, "8.8.8.8"));
    struct addr far = adr("8.8.8.8");
    assert_null(rib_lookup(&r, &far)); /* the tunneled one is not for it */
    rib_free(&r);
}

/* As a model finds it, for random tables and addresses. */
static void lookups_as_a_model_has_them(void **state)
{
    uint32_t x = 2463534242u;
    struct seed s;
    (void)state;
    seed(&s);
    for (int turn = 0; turn < 200; turn++) {
        struct intent_route v[40];
        struct rib r = {0};
        for (int i = 0; i < 40; i++) {
            x ^= x << 13, x ^= x >> 17, x ^= x << 5;
            v[i] = route("Gi0/2", "10.0.0.0", x % 25 + 8, "192.168.10.9", 1);
            v[i].dst.addr.b[1] = (uint8_t)(x >> 8 & 3);
            v[i].dst.addr.b[2] = (uint8_t)(x >> 16 & 3);
            v[i].dst.addr.b[3] = (uint8_t)(x >> 24 & 3);
        }
        assert_int_equal(build(&r, s.ifs, 3, v, 40, 1), 0);
        for (unsigned i = 0; i < 64; i++) {
            struct addr a = adr("10.0.0.0");
            const struct query_route *best = NULL;
            a.b[1] = i & 3, a.b[2] = i >> 2 & 3, a.b[3] = i >> 4 & 3;
            for (size_t k = 0; k < r.n; k++)
                if (prefix_contains(&r.v[k].dst, &a) && (!best || r.v[k].dst.len > best->dst.len))
                    best = &r.v[k];
            assert_ptr_equal(rib_lookup(&r, &a), best);
        }
        rib_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_and_order),
        cmocka_unit_test(floating_static),
        cmocka_unit_test(what_is_not_used),
        cmocka_unit_test(equals_unnamed_tunneled),
        cmocka_unit_test(both_families),
        cmocka_unit_test(routes_of_sas),
        cmocka_unit_test(secondary_addresses),
        cmocka_unit_test(recursive_routes),
        cmocka_unit_test(discarded),
        cmocka_unit_test(equal_cost),
        cmocka_unit_test(tracked_routes),
        cmocka_unit_test(permanent_routes),
        cmocka_unit_test(circles),
        cmocka_unit_test(many_circles),
        cmocka_unit_test(lookups_and_moves),
        cmocka_unit_test(lookups_as_a_model_has_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
