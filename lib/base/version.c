/*
 * version.c: what this library is. The CT__BUILD_* texts come from CMake, which knows what it found.
 */
#include "base/cpu.h"
#include "base/platform.h"

#include <stdio.h>

#ifndef CT__BUILD_TYPE
#define CT__BUILD_TYPE "unknown"
#endif
#ifndef CT__BUILD_BLAS
#define CT__BUILD_BLAS "unknown"
#endif
#ifndef CT__BUILD_PNG
#define CT__BUILD_PNG "unknown"
#endif
#ifndef CT__BUILD_JPEG
#define CT__BUILD_JPEG "unknown"
#endif
#ifndef CT__BUILD_CURL
#define CT__BUILD_CURL "unknown"
#endif
#ifndef CT__BUILD_ZLIB
#define CT__BUILD_ZLIB "unknown"
#endif

#if defined(__clang__)
#define COMPILER "" /* __VERSION__ says "Clang 14.0.6" */
#elif defined(__GNUC__)
#define COMPILER "GCC "
#else
#define COMPILER "unknown"
#define __VERSION__ ""
#endif

static char info[1024];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void write_info(void) {
    snprintf(info, sizeof info,
             "libctorch %s\n"
             "compiler: %s%s, %s\n"
             "BLAS: %s\n"
             "PNG: %s\n"
             "JPEG: %s\n"
             "zlib: %s\n"
             "download: %s\n"
             "instruction set: %s in use, %s available\n",
             CT_VERSION_STRING, COMPILER, __VERSION__, CT__BUILD_TYPE, CT__BUILD_BLAS, CT__BUILD_PNG, CT__BUILD_JPEG, CT__BUILD_ZLIB, CT__BUILD_CURL,
             ct__isa_name(ct__cpu_isa()), ct__isa_name(ct__cpu_isa_max()));
}

const char *ct_version(void) { return CT_VERSION_STRING; }

const char *ct_build_info(void) {
    pthread_once(&once, write_info);
    return info;
}
