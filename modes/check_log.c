/*
 * Checks of logging: a sink is off or has a level, not both. See check_system.c for what a check
 * may do.
 */
#include "modes/internal.h"

static int forget(struct txn *t, uint16_t entry)
{
    const struct cfg_node *n = cfg_first(t->tree->root, entry);
    return n ? txn_remove(t, txn_node(t, n)) : 0;
}

/* A severity is kept by its name. */
static void by_name(bool *has_level, int *level, bool *has_number, uint64_t *number)
{
    if (!*has_number)
        return;
    *has_level = true;
    *level = (int)*number;
    *has_number = false;
    *number = 0;
}

static int forget_level(struct txn *t, int sink)
{
    cfg_each(t->tree->root, E_LOG_LEVEL_IOS, n)
    {
        if (CFG_ARGS(n, log_level_ios)->sink == sink)
            return txn_remove(t, txn_node(t, n));
    }
    return 0;
}

int log_buffered_check(struct txn *t, struct cfg_node *n, const struct a_log_buffered *a,
                       bool negate)
{
    if (negate || forget(t, E_LOG_NOT_BUFFERED) < 0)
        return negate ? 0 : -1;
    struct a_log_buffered kept = *a;
    by_name(&kept.has_level, &kept.level, &kept.has_number, &kept.number);
    return txn_set(t, n->parent, E_LOG_BUFFERED, &kept) ? 0 : -1;
}

int log_not_buffered_check(struct txn *t, struct cfg_node *n, const struct a_log_not_buffered *a,
                           bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : forget(t, E_LOG_BUFFERED);
}

int log_level_ios_check(struct txn *t, struct cfg_node *n, const struct a_log_level_ios *a,
                        bool negate)
{
    if (negate)
        return 0;
    struct a_log_level_ios kept = *a;
    bool console = a->sink == ENUM_LOG_SINK_IOS_CONSOLE;
    by_name(&kept.has_level, &kept.level, &kept.has_number, &kept.number);
    /* What holds without a line has none. */
    if (kept.level == ENUM_LOG_LEVEL_DEBUGGING ? txn_remove(t, n) < 0
                                               : !txn_set(t, n->parent, E_LOG_LEVEL_IOS, &kept))
        return -1;
    return forget(t, console ? E_LOG_NO_CONSOLE : E_LOG_NO_MONITOR);
}

int log_no_console_check(struct txn *t, struct cfg_node *n, const struct a_log_no_console *a,
                         bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : forget_level(t, ENUM_LOG_SINK_IOS_CONSOLE);
}

int log_no_monitor_check(struct txn *t, struct cfg_node *n, const struct a_log_no_monitor *a,
                         bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : forget_level(t, ENUM_LOG_SINK_IOS_MONITOR);
}

int log_trap_check(struct txn *t, struct cfg_node *n, const struct a_log_trap *a, bool negate)
{
    if (negate || forget(t, E_LOG_NO_TRAP) < 0)
        return negate ? 0 : -1;
    struct a_log_trap kept = *a;
    by_name(&kept.has_level, &kept.level, &kept.has_number, &kept.number);
    if (kept.level == ENUM_LOG_LEVEL_INFORMATIONAL)
        return txn_remove(t, n);
    return txn_set(t, n->parent, E_LOG_TRAP, &kept) ? 0 : -1;
}

int log_no_trap_check(struct txn *t, struct cfg_node *n, const struct a_log_no_trap *a, bool negate)
{
    (void)n;
    (void)a;
    return negate ? 0 : forget(t, E_LOG_TRAP);
}
