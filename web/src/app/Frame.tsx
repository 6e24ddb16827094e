import { Button, Layout, Menu } from 'antd';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Outlet, useLocation } from 'react-router';

import { switchLanguage } from '../i18n';
import { Loading } from '../components/Told';
import { PAGES } from './pages';
import { signOut, useWho } from './session';

/** Header, menu and the page between them. */
export function Frame() {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const who = useWho();
  const groups = [...new Set(PAGES.map((page) => page.group))];
  const items = groups.map((group) => ({
    type: 'group' as const,
    key: group,
    label: t(`nav.${group}`),
    children: PAGES.flatMap((page) =>
      page.group === group && page.word
        ? [{ key: page.path, label: <Link to={page.path}>{t(`nav.${page.word}`)}</Link> }]
        : [],
    ),
  }));
  return (
    <Layout style={{ minHeight: '100vh' }}>
      <a className="skip" href="#content">
        {t('app.skip')}
      </a>
      <Layout.Header className="header">
        <Link to="/" className="name">
          同单 Tongdan
        </Link>
        <span className="grow" />
        <Button type="text" onClick={switchLanguage} lang={t('app.language') === 'English' ? 'en' : 'zh-CN'}>
          {t('app.language')}
        </Button>
        <span className="quiet">
          {who && (who.role ? `${who.name} · ${t(`role.${who.role as 'admin'}`)}` : who.name)}
        </span>
        <Button type="text" onClick={() => void signOut()}>
          {t('app.signOut')}
        </Button>
      </Layout.Header>
      <Layout hasSider>
        <Layout.Sider width={176} className="sider">
          <nav>
            <Menu mode="inline" items={items} selectedKeys={[pathname]} />
          </nav>
        </Layout.Sider>
        <Layout.Content id="content" role="main" className="content">
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </Layout.Content>
      </Layout>
    </Layout>
  );
}
