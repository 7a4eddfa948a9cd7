// How does data become part of the page? As text and attributes only; nothing here, or anywhere else, makes markup of data.

/** The first element that matches. */
export const $ = (selector, within = document) => within.querySelector(selector);

/** All elements that match, as an array. */
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

/** A new element. Attributes that are null or false are left out; children are nodes, or values shown as text. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Shows a text; does not touch a node that shows it already. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute, or removes it for null and false; does not touch what is so already. */
export function setAttribute(node, name, value) {
  const text = value === true ? "" : value === null || value === undefined || value === false ? null : String(value);
  if (node.getAttribute(name) === text) return;
  if (text === null) node.removeAttribute(name);
  else node.setAttribute(name, text);
}

/**
 * Makes the children of a node stand for a list of items. A child whose key stays is kept, and with it focus, hover and
 * scroll; only what is new, gone or moved is touched.
 */
export function keyed(parent, items, key, make, update = () => {}) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = known.get(name);
    known.delete(name);
    if (!child) {
      child = make(item);
      child.dataset.key = name;
    }
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
    update(child, item);
  }
  for (const child of known.values()) child.remove();
}

/** Fills a select with [value, label] pairs and chooses one; an open list is left alone while it says the same. */
export function setOptions(select, pairs, chosen) {
  keyed(select, pairs, ([value]) => value, ([value]) => el("option", { value }), (option, [, label]) => setText(option, label));
  if (chosen !== undefined && select.value !== chosen) select.value = chosen;
}
