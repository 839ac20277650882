# What `cmake --install` and `make install` put below the prefix: the tool, libunroll-run as an archive and as a shared
# library, its header, what pkg-config and find_package(unroll) read, and the Python module.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS unroll-cli RUNTIME)
install(TARGETS unroll-run ARCHIVE)
if(TARGET unroll-run-shared)
	install(TARGETS unroll-run-shared LIBRARY)
endif()
install(FILES include/unroll.h TYPE INCLUDE)

# written as it is installed, since the prefix may be given only then
foreach(part include lib)
	string(TOUPPER ${part} name)
	set(pc_${part} ${CMAKE_INSTALL_${name}DIR})
	if(NOT IS_ABSOLUTE ${pc_${part}})
		set(pc_${part} "\\\${prefix}/${pc_${part}}")
	endif()
endforeach()
install(CODE "set(pc_include \"${pc_include}\")
	set(pc_lib \"${pc_lib}\")
	set(PROJECT_VERSION ${PROJECT_VERSION})
	configure_file(\"${CMAKE_CURRENT_SOURCE_DIR}/cmake/unroll.pc.in\" \"${CMAKE_CURRENT_BINARY_DIR}/unroll.pc\" @ONLY)")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/unroll.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/unroll)
configure_package_config_file(cmake/unrollConfig.cmake.in unrollConfig.cmake INSTALL_DESTINATION ${package}
	PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(unrollConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/unrollConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/unrollConfigVersion.cmake
	DESTINATION ${package})

# Where the system's Python looks below a prefix: Debian's calls it dist-packages.
set(UNROLL_PYTHON_DIR "" CACHE STRING "where the Python module goes below the prefix; empty: where python3 says")
set(python_dir ${UNROLL_PYTHON_DIR})
if(NOT python_dir)
	execute_process(COMMAND python3 -c
		"import os, sysconfig as s; print('lib/python' + s.get_python_version(), os.path.basename(s.get_path('purelib')), sep='/')"
		OUTPUT_VARIABLE python_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT python_dir)
	set(python_dir ${CMAKE_INSTALL_DATADIR}/unroll/python)
endif()
install(FILES python/unroll.py DESTINATION ${python_dir})
