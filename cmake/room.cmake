# tollgate_room(<name> [DEPS <room>...] [VALUES <header>...] [LIBS <third-party target>...]
#   [PUBLIC_LIBS <third-party target>...])
# One room is one library: src/<name>/*.cc and those of its folders, include/tollgate/<name>/*.h.
# src/CMakeLists.txt says what the arguments mean; VALUES is for tests/rules alone, as headers of
# values need no library.
function(tollgate_room name)
  cmake_parse_arguments(ROOM "" "" "DEPS;VALUES;LIBS;PUBLIC_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc
    ${CMAKE_SOURCE_DIR}/src/${name}/*/*.cc)
  if(NOT sources)
    message(FATAL_ERROR "the room ${name} has no sources in src/${name}")
  endif()
  list(TRANSFORM ROOM_DEPS PREPEND tollgate_)
  add_library(tollgate_${name} STATIC ${sources})
  target_include_directories(tollgate_${name}
    PUBLIC ${CMAKE_SOURCE_DIR}/include PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(tollgate_${name}
    PUBLIC ${ROOM_DEPS} ${ROOM_PUBLIC_LIBS} Threads::Threads PRIVATE tollgate_flags ${ROOM_LIBS})
  tollgate_precompiled(tollgate_${name})
endfunction()

# tollgate_tests(<name> [DEPS <room>...] [LIBS <target>...] [TIMEOUT <s>] [LABELS <label>]
#   [ONE_THREAD] [LONG])
# One executable per folder of tests: tests/<name>/*_test.cc plus helpers beside them.
# ONE_THREAD: neither these tests nor what they call starts a thread, or a process that has several.
# ThreadSanitizer can find nothing in them, so its build leaves them out; tests/rules reads the
# folder for threads. LONG: some take 10 s and more. ctest starts these first, so that none of them
# is the last that all others wait for.
function(tollgate_tests name)
  cmake_parse_arguments(T "ONE_THREAD;LONG" "TIMEOUT" "DEPS;LIBS;LABELS;PROPERTIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/*.cc)
  if(TOLLGATE_SANITIZE)
    # These stand in for operator new and system calls, or switch stacks, as the sanitizers do.
    list(FILTER sources EXCLUDE REGEX "(/cost|_model)_test\\.cc$")
  endif()
  if(NOT sources)
    message(FATAL_ERROR "there are no tests in tests/${name}")
  endif()
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  if(NOT T_LABELS)
    set(T_LABELS unit)
  endif()
  list(TRANSFORM T_DEPS PREPEND tollgate_)
  add_executable(${name}_test ${sources})
  target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name}_test PRIVATE
    tollgate_flags tollgate_test_flags ${T_DEPS} ${T_LIBS} GTest::gtest GTest::gtest_main)
  tollgate_precompiled(${name}_test TESTS)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(T_ONE_THREAD AND TOLLGATE_SANITIZE MATCHES "thread")
    set_target_properties(${name}_test PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  if(T_LONG)
    list(APPEND T_PROPERTIES COST 1)
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name}_test DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}" ${T_PROPERTIES})
endfunction()
