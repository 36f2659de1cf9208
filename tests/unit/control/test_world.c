/* What the kernel says in a hurry: messages that found no room in the socket are made up for. */
#include "control/world/world.h"
#include "tests/unit/daemon/ns.h"
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MANY 6000 /* messages do not fit into any buffer that a process without rights gets */

static void nothing_changed(void *ctx)
{
    (void)ctx;
}

static void add_routes(unsigned from, unsigned n)
{
    FILE *f = popen("ip -batch -", "w");
    assert_non_null(f);
    for (unsigned i = from; i < from + n; i++)
        fprintf(f, "route add unreachable 10.%u.%u.0/24 proto %d\n", i >> 8, i & 255,
                TANDEM_RTPROT);
    assert_int_equal(pclose(f), 0);
}

static void lost_news_are_found(void **state)
{
    struct event_base *base = event_base_new();
    struct log log;
    struct world w;
    (void)state;
    log_init(&log, "test", 2, LOGL_ERROR);
    assert_int_equal(world_open(&w, base, &log, nothing_changed, NULL), 0);
    add_routes(0, MANY);
    event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE); /* hears that something is lost */
    world_settle(&w);
    assert_int_equal(w.n_route, MANY);
    add_routes(MANY, 1); /* for this there is room again */
    event_base_loop(base, EVLOOP_NONBLOCK);
    world_settle(&w);
    assert_int_equal(w.n_route, MANY + 1);
    world_close(&w);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lost_news_are_found)};
    if (ns_enter() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
