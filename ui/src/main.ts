import { host } from '$host';
import { mount } from 'svelte';

import App from './App.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has the element that the window is mounted on');

mount(App, { target, props: { host } });
