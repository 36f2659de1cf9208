/* Rates of interfaces: averages that follow what is counted, and counters that begin anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/world/rates.h"

#define SEC USEC_PER_SEC

static void is_about(double got, double want)
{
    assert_true(got > want * 0.97 - 0.01 && got < want * 1.03 + 0.01);
}

/* So many seconds at 100 packets of 1,000 bytes each second in, and 10 out. */
static void flow(struct rate_meter *m, usec_t *now, struct world_traffic *t, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i += RATES_EVERY) {
        *now += RATES_EVERY * SEC;
        t->rx_packets += 100 * RATES_EVERY;
        t->rx_bytes += 100000 * RATES_EVERY;
        t->tx_packets += 10 * RATES_EVERY;
        t->tx_bytes += 500 * RATES_EVERY;
        t->rx_dropped += RATES_EVERY;
        rates_add(m, *now, t, RATES_LONG);
    }
}

static void an_average_follows(void **state)
{
    struct rate_meter m = {0};
    struct world_traffic t = {.rx_packets = 1u << 30, .rx_bytes = 77}; /* before we looked */
    usec_t now = 1000 * SEC;
    (void)state;
    rates_add(&m, now, &t, RATES_LONG);
    assert_true(m.brief.rx_packets < 0.5 && m.lasting.rx_bytes < 0.5);
    flow(&m, &now, &t, 60); /* one interval: 1 - 1/e of what goes on */
    is_about(m.brief.rx_packets, 62);
    is_about(m.lasting.rx_packets, 18);
    flow(&m, &now, &t, 2000);
    is_about(m.brief.rx_bytes, 100000);
    is_about(m.lasting.rx_packets, 100);
    is_about(m.lasting.tx_bytes, 500);
    is_about(m.lasting.rx_dropped, 1);
    /* nothing any more, and looked at once only: no average goes below zero */
    rates_add(&m, now + 3000 * SEC, &t, RATES_LONG);
    is_about(m.lasting.rx_packets, 9);
    is_about(m.brief.rx_packets, 2);
}

static void counters_begin_anew(void **state)
{
    struct rate_meter m = {0};
    struct world_traffic t = {.rx_packets = 5000, .rx_bytes = 500000};
    usec_t now = 1000 * SEC;
    (void)state;
    rates_add(&m, now, &t, RATES_LONG);
    flow(&m, &now, &t, 600);
    t.rx_bytes = 3; /* the device was made again */
    rates_add(&m, now + 5 * SEC, &t, RATES_LONG);
    assert_true(m.brief.rx_packets < 0.5 && m.lasting.rx_bytes < 0.5);
    t.rx_bytes += 500;
    rates_add(&m, now + 5 * SEC, &t, RATES_LONG); /* no time has passed */
    assert_true(m.brief.rx_bytes < 0.5);
    now += 5 * SEC;
    flow(&m, &now, &t, 2000);
    is_about(m.lasting.rx_packets, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_average_follows),
                                       cmocka_unit_test(counters_begin_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
