"""What a graph tells its page of the pointer and of changes, and how our types read it."""

import pytest
from selenium.webdriver.common.actions.action_builder import ActionBuilder

from support.waiting import wait_until

GRAPH = "const graph = document.querySelector('#chart .js-plotly-plot'); "


@pytest.fixture
def page(fault_app, open_page):
    page = open_page(f"{fault_app.url}/events/")
    wait_until(lambda: page.script(GRAPH + "return graph?.querySelectorAll('.points path').length === 6"), 20, "the points")
    page.wait_for_text("selected", "nothing")
    return page


def place(page, trace, point):
    """Where a point is on the screen."""
    return page.script(GRAPH + """
        const box = graph.querySelectorAll('.scatterlayer .trace')[arguments[0]]
            .querySelectorAll('.points path')[arguments[1]].getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2].map(Math.round)""", trace, point)


def test_the_pointer_over_a_point_tells_trace_point_place_and_customdata(page):
    pointer = ActionBuilder(page.driver)
    pointer.pointer_action.move_to_location(*place(page, 0, 1))
    pointer.perform()
    page.wait_for_text("hovered", '0 1 2 3 "q"')


def test_a_box_around_points_tells_them_and_its_range(page):
    (x, y), pointer = place(page, 0, 1), ActionBuilder(page.driver)
    pointer.pointer_action.move_to_location(x - 40, y + 20).pointer_down()
    pointer.pointer_action.move_to_location(x, y).move_to_location(x + 40, y - 10).pointer_up()
    pointer.perform()
    page.wait_for_text("selected", '["0.1"] 2')


def test_a_zoom_and_the_way_back_are_told(page):
    # The graph tells once, at its own time, that it was fitted into its place; what comes at that moment it may leave out.
    wait_until(lambda: page.script("return dash_component_api.getLayout('chart')?.props.relayoutData?.autosize"), 15,
               "the graph in its place")
    page.record("zoomed", "return document.getElementById('zoomed').textContent")
    for change, said in (("{'xaxis.range[0]': 1, 'xaxis.range[1]': 2.5}", "[1, 2.5] false"),
                         ("{'xaxis.range': [0, 4]}", "[0, 4] false"), ("{'xaxis.autorange': true}", "none true")):
        page.script(GRAPH + f"Plotly.relayout(graph, {change})")
        wait_until(lambda: said in page.recorded("zoomed"), 15, lambda: f"{said} (there was {page.recorded('zoomed')})")


def test_a_click_on_the_legend_tells_the_trace(page):
    toggle = page.driver.find_elements("css selector", "#chart .legendtoggle")[1]
    x, y = page.script("const b = arguments[0].getBoundingClientRect(); return [b.x + 10, b.y + b.height / 2].map(Math.round)", toggle)
    pointer = ActionBuilder(page.driver)
    pointer.pointer_action.move_to_location(x, y).click()
    pointer.perform()
    page.wait_for_text("restyled", '[1] "legendonly"')
