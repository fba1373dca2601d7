"""Graph events of pointer and changes, and their Swift types."""

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
    """The position of a point on the screen."""
    return page.script(GRAPH + """
        const box = graph.querySelectorAll('.scatterlayer .trace')[arguments[0]]
            .querySelectorAll('.points path')[arguments[1]].getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2].map(Math.round)""", trace, point)


def test_hovering_a_point_reports_trace_point_position_and_customdata(page):
    pointer = ActionBuilder(page.driver)
    pointer.pointer_action.move_to_location(*place(page, 0, 1))
    pointer.perform()
    page.wait_for_text("hovered", '0 1 2 3 "q"')


def test_a_box_selection_reports_its_points_and_range(page):
    (x, y), pointer = place(page, 0, 1), ActionBuilder(page.driver)
    pointer.pointer_action.move_to_location(x - 40, y + 20).pointer_down()
    pointer.pointer_action.move_to_location(x, y).move_to_location(x + 40, y - 10).pointer_up()
    pointer.perform()
    page.wait_for_text("selected", '["0.1"] 2')


def test_a_zoom_and_its_reset_are_reported(page):
    # The graph emits autosize once, at a time of its own choice, and may drop changes made at that time.
    wait_until(lambda: page.script("return dash_component_api.getLayout('chart')?.props.relayoutData?.autosize"), 15,
               "the graph resized")
    page.record("zoomed", "return document.getElementById('zoomed').textContent")
    for change, said in (("{'xaxis.range[0]': 1, 'xaxis.range[1]': 2.5}", "[1, 2.5] false"),
                         ("{'xaxis.range': [0, 4]}", "[0, 4] false"), ("{'xaxis.autorange': true}", "none true")):
        page.script(GRAPH + f"Plotly.relayout(graph, {change})")
        wait_until(lambda: said in page.recorded("zoomed"), 15, lambda: f"{said} (found: {page.recorded('zoomed')})")


def test_a_click_on_the_legend_reports_the_trace(page):
    toggle = page.driver.find_elements("css selector", "#chart .legendtoggle")[1]
    x, y = page.script("const b = arguments[0].getBoundingClientRect(); return [b.x + 10, b.y + b.height / 2].map(Math.round)", toggle)
    pointer = ActionBuilder(page.driver)
    pointer.pointer_action.move_to_location(x, y).click()
    pointer.perform()
    page.wait_for_text("restyled", '[1] "legendonly"')
