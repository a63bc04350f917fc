# tollgate_embed_lua(<output.cc>): every src/ledger/lua/*.lua as a string constant, so that the
# binary and the scripts it was tested with cannot part ways.
function(tollgate_embed_lua output)
  file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/ledger/lua/*.lua)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} "-DSCRIPTS=${scripts}"
            -P ${CMAKE_SOURCE_DIR}/cmake/embed_lua_script.cmake
    DEPENDS ${scripts} ${CMAKE_SOURCE_DIR}/cmake/embed_lua_script.cmake
    VERBATIM)
endfunction()
