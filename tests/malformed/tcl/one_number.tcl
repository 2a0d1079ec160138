# Places of 2 hard macros
set grid 0.005
proc floorplan_name {name} { return $name }
place_macro -macro_name u0 -location 10.0 -orientation R0 -exact
place_macro -macro_name {u1} -location "55.0 10.0" -orientation MX
