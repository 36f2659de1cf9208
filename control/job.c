/*
 * Helper threads. See job.h.
 *
 * The loop never waits for a helper, whose priority is lower: a lock that a helper held while
 * others have the processors would stop the loop for a hundred milliseconds. So jobs go both ways
 * through stacks that are pushed to and emptied by one atomic operation; what was emptied is turned
 * round.
 */
#include "control/job.h"
#include <event2/event.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS 2
#define NICE    10
#define TURN    4 /* results per turn of the loop: who types, and peers that ask, come in between */
#define MANY    256          /* jobs after which it is worth to give memory back, */
#define QUIET   (200 * 1000) /* when nothing has come for so many microseconds */

struct item {
    struct item *next;
    struct ike_job *job;
};

struct jobs {
    _Atomic(struct item *) todo, done; /* the last one first */
    sem_t more;                        /* one for each of todo, and for each thread at the end */
    atomic_bool stop;
    pthread_mutex_t lock; /* helpers only */
    struct item *mine;    /* under lock: taken from todo, in order */
    pthread_t thread[THREADS];
    unsigned n_threads;
    struct item *taken; /* the loop's: taken from done, in order */
    unsigned n_since;   /* results since memory was given back */
    int wake;
    struct event *ev, *quiet;
};

static void push(_Atomic(struct item *) *stack, struct item *i)
{
    i->next = atomic_load(stack);
    while (!atomic_compare_exchange_weak(stack, &i->next, i))
        ;
}

/* The first of the list in *rest; when that is empty, what is on the stack comes there. */
static struct item *pop(_Atomic(struct item *) *stack, struct item **rest)
{
    if (!*rest)
        for (struct item *all = atomic_exchange(stack, NULL), *next; all; all = next) {
            next = all->next;
            all->next = *rest;
            *rest = all;
        }
    struct item *i = *rest;
    if (i)
        *rest = i->next;
    return i;
}

static void tell(struct jobs *j)
{
    uint64_t one = 1;
    if (write(j->wake, &one, sizeof(one)) < 0)
        return; /* the counter is full: the loop has been told already */
}

static void *helper(void *arg)
{
    struct jobs *j = (struct jobs *)arg;
    /* On Linux this is the priority of the calling thread alone, gettid(2). Where both cores
     * compute, the loop gets the next slice nevertheless: who types is answered, and peers are. */
    setpriority(PRIO_PROCESS, 0, NICE);
    for (;;) {
        while (sem_wait(&j->more) < 0)
            ; /* a signal */
        pthread_mutex_lock(&j->lock);
        struct item *i = pop(&j->todo, &j->mine);
        pthread_mutex_unlock(&j->lock);
        if (i) {
            i->job->work(i->job);
            push(&j->done, i);
            tell(j);
        } else if (atomic_load(&j->stop)) {
            return NULL;
        }
    }
}

/* Hands over results, at most so many. True: there may be more. */
static bool finish(struct jobs *j, unsigned most)
{
    while (most-- > 0) {
        struct item *i = pop(&j->done, &j->taken);
        if (!i)
            return false;
        j->n_since++;
        i->job->done(i->job);
        free(i);
    }
    return true;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct jobs *j = (struct jobs *)arg;
    const struct timeval quiet = {.tv_usec = QUIET};
    uint64_t n;
    (void)what;
    if (read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n) && finish(j, TURN))
        tell(j); /* event_active() would bring us back before anybody else */
    if (j->n_since >= MANY)
        event_add(j->quiet, &quiet);
}

/* After a storm: what a thousand keys and offers took at once is most of what the allocator holds.
 */
static void on_quiet(evutil_socket_t fd, short what, void *arg)
{
    struct jobs *j = (struct jobs *)arg;
    (void)fd;
    (void)what;
    j->n_since = 0;
    malloc_trim(0);
}

struct jobs *jobs_new(struct event_base *base)
{
    struct jobs *j = (struct jobs *)calloc(1, sizeof(*j));
    if (!j)
        return NULL;
    pthread_mutex_init(&j->lock, NULL);
    sem_init(&j->more, 0, 0);
    j->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (j->wake >= 0)
        j->ev = event_new(base, j->wake, EV_READ | EV_PERSIST, on_wake, j);
    j->quiet = evtimer_new(base, on_quiet, j);
    if (j->ev && j->quiet && event_add(j->ev, NULL) == 0)
        while (j->n_threads < THREADS &&
               pthread_create(&j->thread[j->n_threads], NULL, helper, j) == 0)
            j->n_threads++;
    if (!j->n_threads) {
        jobs_free(j);
        return NULL;
    }
    return j;
}

void jobs_free(struct jobs *j)
{
    if (!j)
        return;
    atomic_store(&j->stop, true);
    for (unsigned i = 0; i < j->n_threads; i++)
        sem_post(&j->more);
    for (unsigned i = 0; i < j->n_threads; i++)
        pthread_join(j->thread[i], NULL);
    while (finish(j, TURN))
        ;
    if (j->ev)
        event_free(j->ev);
    if (j->quiet)
        event_free(j->quiet);
    if (j->wake >= 0)
        close(j->wake);
    sem_destroy(&j->more);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

void jobs_run(struct jobs *j, struct ike_job *job)
{
    struct item *i = j ? (struct item *)calloc(1, sizeof(*i)) : NULL;
    if (!i) { /* slow is better than not at all */
        job->work(job);
        job->done(job);
        return;
    }
    i->job = job;
    push(&j->todo, i);
    sem_post(&j->more);
}
