/* The loop's priority. See urgent.h. */
#include "control/urgent.h"
#include "control/priv.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BUDGET (USEC_PER_SEC / 10) /* of computing without a wait */
#define PAUSE  USEC_PER_SEC

/* Half of each span is for others. A command and a peer wait for a rest, too, so none is long. */
#define SPAN    CONTROL_TURN
#define LONGEST (2 * CONTROL_TURN)
#define LASTING (USEC_PER_SEC / 2)

static void give_up(void)
{
    const struct sched_param none = {0};
    sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
}

static bool is_urgent(void)
{
    return (sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) != SCHED_OTHER;
}

/* The kernel gives the signal to the first thread, whose priority it is; the other one that has
 * such a priority (control/hsrp/pacer.c) never computes for so long. */
static void on_budget(int sig)
{
    int err = errno;
    (void)sig;
    give_up();
    errno = err;
}

static void on_answer(void *ctx, int err)
{
    struct control *c = (struct control *)ctx;
    if (c->closing)
        return;
    if (err)
        log_line(c->o.log, LOGL_INFO, "control",
                 "commands and peers wait where the machine has too much to do: %s",
                 strerror(-err));
    else
        timer_set(&c->timers, &c->urgent, clock_mono(&c->o.clock) + PAUSE);
}

static void ask(struct control *c)
{
    struct lr_urgent r = {.tid = gettid()};
    struct rlimit limit;
    /* With each signal the kernel raises the limit by a second. */
    if (getrlimit(RLIMIT_RTTIME, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < BUDGET ? limit.rlim_max : BUDGET;
    if (setrlimit(RLIMIT_RTTIME, &limit) == 0)
        launch_call(&c->launch, LR_URGENT, &r, sizeof(r), -1, on_answer, c);
}

static void on_look(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    if (!is_urgent())
        ask(c);
    else
        timer_set(&c->timers, t, clock_mono(&c->o.clock) + PAUSE);
}

usec_t urgent_share_rest(struct urgent_share *s, usec_t now, usec_t computed, bool *lasting)
{
    usec_t span = now - s->begin;
    *lasting = false;
    if (span < SPAN)
        return 0;
    usec_t rest = 2 * (computed - s->computed) - span;
    s->begin = now;
    s->computed = computed;
    if (rest <= 0) {
        s->since = 0;
        return 0;
    }
    if (!s->since)
        s->since = now;
    *lasting = now - s->since >= LASTING;
    rest = rest < LONGEST ? rest : LONGEST;
    s->begin += rest; /* it belongs to the span that it is owed for */
    return rest;
}

void urgent_turned(struct urgent_share *s, const struct clock *clock)
{
    struct timespec t;
    bool lasting;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) < 0)
        return;
    usec_t computed = t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
    usec_t rest = urgent_share_rest(s, clock_mono(clock), computed, &lasting);
    if (rest == 0 || !is_urgent())
        return;
    if (lasting)
        give_up();
    t = (struct timespec){.tv_nsec = rest * 1000};
    nanosleep(&t, NULL);
}

void urgent_begin(struct control *c)
{
    struct sigaction act = {.sa_handler = on_budget, .sa_flags = SA_RESTART};
    sigemptyset(&act.sa_mask);
    timer_init(&c->urgent, on_look, c);
    if (sigaction(SIGXCPU, &act, NULL) == 0)
        ask(c);
}

void urgent_end(struct control *c)
{
    timer_cancel(&c->timers, &c->urgent);
}
