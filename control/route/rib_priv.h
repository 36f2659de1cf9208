/* What the files of the RIB share. */
#ifndef TANDEM_CONTROL_ROUTE_RIB_PRIV_H
#define TANDEM_CONTROL_ROUTE_RIB_PRIV_H

#include "control/route/rib.h"

typedef bool rib_fits(const void *ctx, const struct query_route *q);

/* How many entries have an address that is not behind `a`. */
size_t rib_last_before(const struct query_route *v, size_t n, const struct addr *a);
/* The first path of the longest prefix around `a` whose paths fit; NULL: none. */
const struct query_route *rib_way(const struct query_route *v, const uint32_t *around, size_t n,
                                  const struct addr *a, rib_fits *fits, const void *ctx);

#endif
