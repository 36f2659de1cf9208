/* Helper threads. See job.h. */
#include "control/job.h"
#include <event2/event.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define THREADS 2
#define NICE    10
#define TURN    4 /* results per turn of the loop: who types, and peers that ask, come in between */
#define MANY    256 /* jobs after which it is worth to give memory back */

struct item {
    struct item *next;
    struct ike_job *job;
};

struct list {
    struct item *head, **tail;
};

struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread[THREADS];
    unsigned n_threads, n_since; /* jobs since memory was given back; under lock */
    bool stop;
    struct list todo, done; /* under lock */
    int wake;
    struct event *ev;
};

static void push(struct list *l, struct item *i)
{
    i->next = NULL;
    *l->tail = i;
    l->tail = &i->next;
}

static struct item *pop(struct list *l)
{
    struct item *i = l->head;
    if (i) {
        l->head = i->next;
        if (!l->head)
            l->tail = &l->head;
    }
    return i;
}

static void tell(struct jobs *j)
{
    uint64_t one = 1;
    if (write(j->wake, &one, sizeof(one)) < 0)
        return; /* the counter is full: the loop has been told already */
}

/* After a storm: what a thousand keys and offers took at once is most of what the allocator holds.
 * `more` is signalled under lock only, so whoever waits next sees whether there is work. */
static void rest(struct jobs *j)
{
    if (j->n_since < MANY)
        return;
    j->n_since = 0;
    malloc_trim(0);
}

static void *helper(void *arg)
{
    struct jobs *j = (struct jobs *)arg;
    /* On Linux this is the priority of the calling thread alone, gettid(2). Where both cores
     * compute, the loop gets the next slice nevertheless: who types is answered, and peers are. */
    setpriority(PRIO_PROCESS, 0, NICE);
    pthread_mutex_lock(&j->lock);
    for (;;) {
        struct item *i = pop(&j->todo);
        if (!i && j->stop)
            break;
        if (!i) {
            rest(j);
            pthread_cond_wait(&j->more, &j->lock);
            continue;
        }
        j->n_since++;
        pthread_mutex_unlock(&j->lock);
        i->job->work(i->job);
        pthread_mutex_lock(&j->lock);
        push(&j->done, i);
        tell(j);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

/* Hands over results, at most so many. True: there may be more. */
static bool finish(struct jobs *j, unsigned most)
{
    while (most-- > 0) {
        pthread_mutex_lock(&j->lock);
        struct item *i = pop(&j->done);
        pthread_mutex_unlock(&j->lock);
        if (!i)
            return false;
        i->job->done(i->job);
        free(i);
    }
    return true;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct jobs *j = (struct jobs *)arg;
    uint64_t n;
    (void)what;
    if (read(fd, &n, sizeof(n)) == (ssize_t)sizeof(n) && finish(j, TURN))
        tell(j); /* event_active() would bring us back before anybody else */
}

struct jobs *jobs_new(struct event_base *base)
{
    struct jobs *j = (struct jobs *)calloc(1, sizeof(*j));
    if (!j)
        return NULL;
    j->todo.tail = &j->todo.head;
    j->done.tail = &j->done.head;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->more, NULL);
    j->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (j->wake >= 0)
        j->ev = event_new(base, j->wake, EV_READ | EV_PERSIST, on_wake, j);
    if (j->ev && event_add(j->ev, NULL) == 0)
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
    pthread_mutex_lock(&j->lock);
    j->stop = true;
    pthread_cond_broadcast(&j->more);
    pthread_mutex_unlock(&j->lock);
    for (unsigned i = 0; i < j->n_threads; i++)
        pthread_join(j->thread[i], NULL);
    while (finish(j, TURN))
        ;
    if (j->ev)
        event_free(j->ev);
    if (j->wake >= 0)
        close(j->wake);
    pthread_cond_destroy(&j->more);
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
    pthread_mutex_lock(&j->lock);
    push(&j->todo, i);
    pthread_cond_signal(&j->more);
    pthread_mutex_unlock(&j->lock);
}
