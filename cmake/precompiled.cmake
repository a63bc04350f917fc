# TOLLGATE_PCH: the standard library's headers and GoogleTest's are parsed once per build instead of
# once per file, which halves what Clang needs. Only the instrumented presets do so: `dev` and
# `release` are built without, so a file that lacks an #include fails there.
#
# tollgate_precompiled(<target>) lets a room or a program use them, tollgate_precompiled(<target>
# TESTS) tests. No header of ours is among them.
set(standard_headers <algorithm> <array> <atomic> <cerrno> <charconv> <chrono> <cstddef> <cstdint>
  <cstdio> <cstdlib> <cstring> <filesystem> <fstream> <functional> <limits> <map> <memory> <mutex>
  <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map> <utility>
  <variant> <vector>)

if(TOLLGATE_PCH)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "TOLLGATE_PCH is for Clang")
  endif()
  # Templates that the headers instantiate are instantiated once as well.
  set(CMAKE_PCH_INSTANTIATE_TEMPLATES ON)
  file(WRITE ${CMAKE_BINARY_DIR}/generated/precompiled.cc "")
  # ccache knows a precompiled header by what is in it, so no time may be.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")

  add_library(tollgate_pch OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cc)
  target_link_libraries(tollgate_pch PRIVATE tollgate_flags Threads::Threads)
  target_precompile_headers(tollgate_pch PRIVATE ${standard_headers})
  if(TOLLGATE_TESTS)
    add_library(tollgate_test_pch OBJECT ${CMAKE_BINARY_DIR}/generated/precompiled.cc)
    target_link_libraries(tollgate_test_pch PRIVATE tollgate_flags Threads::Threads GTest::gtest)
    target_precompile_headers(tollgate_test_pch PRIVATE <gtest/gtest.h> ${standard_headers})
  endif()
endif()

function(tollgate_precompiled target)
  if(NOT TOLLGATE_PCH)
    return()
  elseif("TESTS" IN_LIST ARGN)
    target_precompile_headers(${target} REUSE_FROM tollgate_test_pch)
  else()
    target_precompile_headers(${target} REUSE_FROM tollgate_pch)
  endif()
endfunction()
