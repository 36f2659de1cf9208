/* Rates. See rates.h. */
#include "control/world/rates.h"

static void pull(double *average, uint64_t now, uint64_t before, double seconds, double weight)
{
    *average += ((double)(now - before) / seconds - *average) * weight;
}

static void pull_all(struct rates *r, const struct world_traffic *now,
                     const struct world_traffic *was, double seconds, double interval)
{
    double weight = seconds / (interval + seconds);
    pull(&r->rx_packets, now->rx_packets, was->rx_packets, seconds, weight);
    pull(&r->rx_bytes, now->rx_bytes, was->rx_bytes, seconds, weight);
    pull(&r->rx_dropped, now->rx_dropped, was->rx_dropped, seconds, weight);
    pull(&r->tx_packets, now->tx_packets, was->tx_packets, seconds, weight);
    pull(&r->tx_bytes, now->tx_bytes, was->tx_bytes, seconds, weight);
}

static bool went_back(const struct world_traffic *now, const struct world_traffic *was)
{
    return now->rx_packets < was->rx_packets || now->rx_bytes < was->rx_bytes ||
           now->rx_dropped < was->rx_dropped || now->tx_packets < was->tx_packets ||
           now->tx_bytes < was->tx_bytes;
}

void rates_add(struct rate_meter *m, usec_t now, const struct world_traffic *t, unsigned interval)
{
    if (!m->at || went_back(t, &m->last)) {
        *m = (struct rate_meter){0};
    } else if (now > m->at) {
        double seconds = (double)(now - m->at) / (double)USEC_PER_SEC;
        pull_all(&m->brief, t, &m->last, seconds, RATES_SHORT);
        pull_all(&m->lasting, t, &m->last, seconds, interval);
    }
    m->at = now;
    m->last = *t;
}
