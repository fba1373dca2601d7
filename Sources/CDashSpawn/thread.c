#include "CDashSpawn.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

// Enough for the runtime's crash handler.
static const size_t alternate_stack_size = 128 * 1024;

typedef struct {
    void (*body)(void *);
    void *argument;
} thread_start;

static void *run(void *argument) {
    thread_start start = *(thread_start *)argument;
    free(argument);
    stack_t alternate = {.ss_sp = malloc(alternate_stack_size), .ss_size = alternate_stack_size};
    if (alternate.ss_sp) sigaltstack(&alternate, NULL);
    start.body(start.argument);
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    free(alternate.ss_sp);
    return NULL;
}

int dash_start_thread(size_t stack, void (*body)(void *), void *argument) {
    thread_start *start = malloc(sizeof *start);
    if (!start) return ENOMEM;
    *start = (thread_start){body, argument};
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    int failed = pthread_create(&thread, &attributes, run, start);
    pthread_attr_destroy(&attributes);
    if (failed) free(start);
    return failed;
}
