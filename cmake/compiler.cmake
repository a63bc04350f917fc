# Flags that every target of ours is built with. GCC 12 and Clang 14 must both be silent.
add_library(tollgate_flags INTERFACE)
target_compile_options(tollgate_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wcast-align -Wformat=2
  -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(tollgate_flags INTERFACE -Wduplicated-cond -Wlogical-op)
endif()

# Tests name the members that they care about and leave the rest to their defaults.
add_library(tollgate_test_flags INTERFACE)
target_compile_options(tollgate_test_flags INTERFACE -Wno-missing-field-initializers)

if(TOLLGATE_SANITIZE)
  add_compile_options(-fsanitize=${TOLLGATE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TOLLGATE_SANITIZE})
  if(TOLLGATE_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It does not model fences; what they order here are atomics, which cannot race.
    add_compile_options(-Wno-tsan)
  endif()
  if(TOLLGATE_SANITIZE MATCHES "undefined")
    # Its check of vtables opens a pipe, and so fails where a test takes all descriptors away.
    add_compile_options(-fno-sanitize=vptr)
  endif()
endif()

if(TOLLGATE_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()

find_program(TOLLGATE_CCACHE ccache)
if(TOLLGATE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TOLLGATE_CCACHE})
  if(TOLLGATE_PCH)
    # Without this ccache compiles whatever uses a precompiled header anew.
    list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros)
  endif()
endif()
