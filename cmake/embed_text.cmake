# cmake -DOUT=<file.cpp> -DIN="<name>=<file>;…" -DHEADER=<room/header.hpp> -DNAMESPACE=<name>
#       -P embed_text.cmake
# Writes the files as C++ string literals, `const std::string_view <name>` in the namespace, as the
# header declares them. Files of one name are joined in the order given.

cmake_minimum_required(VERSION 3.24)

set(names "")
foreach(pair ${IN})
  string(FIND "${pair}" "=" split)
  string(SUBSTRING "${pair}" 0 ${split} name)
  math(EXPR start "${split} + 1")
  string(SUBSTRING "${pair}" ${start} -1 file)
  file(READ "${file}" text)
  if(NOT name IN_LIST names)
    list(APPEND names ${name})
  endif()
  # One literal a file: adjacent literals are joined by the compiler.
  string(APPEND literals_${name} "\n    R\"~~~(" "${text}" ")~~~\"")
endforeach()

set(code "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(name ${names})
  string(APPEND code "\nconst std::string_view ${name} =" "${literals_${name}}" ";\n")
endforeach()
file(WRITE "${OUT}" "${code}\n}  // namespace ${NAMESPACE}\n")
